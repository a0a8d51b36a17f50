"""The service's own routes: jobs, their events and pictures, models; and what is turned away."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.datastructures import Headers

from engine.errors import ModelUnavailable, OutOfMemory
from engine.ledger import HistoryFilter
from engine.service.keys import KeyRing
from engine.service.security import MAX_BODY, own_names, refusal
from tests.fakes import FakeEngine, paint, small_catalog
from tests.serving import Serving, serving


def expected(prompt: str, seed: int) -> bytes:
    return paint(small_catalog().request("tiny", prompt), seed)


async def picture(service: Serving, url: str, **options: Any) -> aiohttp.ClientResponse:
    answer = await service.http.get(service.url + url, **options)
    await answer.read()
    return answer


async def test_a_job_is_accepted_followed_and_its_picture_fetched(tmp_path: Path) -> None:
    async with serving(tmp_path, FakeEngine(step_s=0.01)) as service:
        status, job = await service.post("/api/generations", {"prompt": "a fox", "seed": 7})
        assert (status, job["status"], job["request"]["seed"]) == (201, "queued", 7)
        events = [event async for event in service.events(f"/api/generations/{job['id']}/events")]
        assert [name for name, _ in events if name != "queued"][-3:] == ["progress", "progress", "done"]
        done = events[-1][1]["generation"]
        [made] = done["pictures"]
        answer = await picture(service, made["url"])
        png = await answer.read()
        assert png == expected("a fox", 7)
        assert made["sha256"] == hashlib.sha256(png).hexdigest()
        assert answer.content_type == "image/png"
        assert await service.get(f"/api/generations/{job['id']}") == (200, done)


async def test_a_picture_is_sent_in_ranges_and_not_again_to_who_has_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox", "seed": 7})
        url = (await service.done(job["id"]))["pictures"][0]["url"]
        whole = await picture(service, url)
        part = await picture(service, url, headers={"Range": "bytes=10-19"})
        assert (part.status, await part.read()) == (206, (await whole.read())[10:20])
        assert part.headers["Content-Range"] == f"bytes 10-19/{whole.content_length}"
        same = await picture(service, url, headers={"If-None-Match": whole.headers["ETag"]})
        assert (same.status, await same.read()) == (304, b"")
        assert (await picture(service, url, headers={"Range": "bytes=9999999-"})).status == 416


async def test_the_same_key_again_is_the_same_job(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        key = {"Idempotency-Key": "once"}
        body = {"prompt": "a fox"}
        first, again = [await service.post("/api/generations", body, headers=key) for _ in range(2)]
        assert (first[0], again[0]) == (201, 200)
        assert first[1]["id"] == again[1]["id"]
        assert first[1]["request"] == again[1]["request"], "the random seed is decided once"
        found = (await service.get("/api/generations?idempotency_key=once"))[1]["data"]
        assert [job["id"] for job in found] == [first[1]["id"]]
        status, answer = await service.post("/api/generations", {"prompt": "a boat"}, headers=key)
        assert (status, answer["error"]["param"]) == (400, "Idempotency-Key")
        assert len(await service.desk.home.ledger.history(HistoryFilter(status=None))) == 1


async def test_a_job_is_cancelled_and_its_stream_says_so(tmp_path: Path) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, engine) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox"})
        await engine.busy.wait()
        assert await service.post(f"/api/generations/{job['id']}/cancel") == (200, {"cancelled": True})
        assert (await service.done(job["id"]))["status"] == "cancelled"
        assert await service.post(f"/api/generations/{job['id']}/cancel") == (200, {"cancelled": False})


async def test_who_waits_is_told_their_place(tmp_path: Path) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, engine) as service:
        for _ in range(2):
            await service.post("/api/generations", {"prompt": "a fox"})
        _, third = await service.post("/api/generations", {"prompt": "a boat"})
        async for name, data in service.events(f"/api/generations/{third['id']}/events"):
            assert (name, data["position"]["ahead"]) == ("queued", 1)
            break
        assert engine.gate is not None
        engine.gate.set()
        assert (await service.done(third["id"]))["status"] == "stored"


async def test_deleting_removes_the_file_and_keeps_the_facts(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox"})
        url = (await service.done(job["id"]))["pictures"][0]["url"]
        status, left = await service.ask("DELETE", f"/api/generations/{job['id']}")
        assert (status, left["status"], left["pictures"][0]["url"]) == (200, "stored", None)
        assert (await picture(service, url)).status == 404
        assert list((tmp_path / "pictures").rglob("*.png")) == []


async def test_the_history_has_pages_filters_and_words(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        ids = []
        for number in range(5):
            body = {"prompt": f"a fox number{number}", "model": "other" if number == 3 else "tiny"}
            _, job = await service.post("/api/generations", body)
            await service.done(job["id"])
            ids.insert(0, job["id"])

        async def page(query: str) -> tuple[list[str], str | None, str | None]:
            status, found = await service.get(f"/api/generations?{query}")
            assert status == 200, found
            return [job["id"] for job in found["data"]], found["next"], found["previous"]

        assert await page("") == (ids, None, None)
        assert await page("limit=2") == (ids[:2], ids[1], None)
        assert await page(f"limit=2&before={ids[1]}") == (ids[2:4], ids[3], ids[2])
        assert await page(f"limit=2&before={ids[3]}") == (ids[4:], None, ids[4])
        assert await page(f"limit=2&after={ids[2]}") == (ids[:2], ids[1], None)
        assert await page(f"limit=2&after={ids[4]}") == (ids[2:4], ids[3], ids[2])
        assert (await page("model=other"))[0] == [ids[1]]
        assert (await page("search=number2"))[0] == [ids[2]]
        assert (await page("until=2020-01-01T00:00:00Z"))[0] == []
        assert (await page("status=failed"))[0] == []
        assert (await page("since=0001-01-01T00:00:00&until=9999-12-31T23:59:59Z"))[0] == ids
        assert (await service.get("/api/generations?after=zzzzzzzzzzzzz"))[0] == 404, "that is no id"


async def test_models_are_listed_loaded_and_unloaded(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        events = [event async for event in service.events("/api/models/other/load", "POST")]
        assert events == [("loading", {"fraction": 0.5, "text": "half of it"}), ("done", {"key": "other"})]
        states = {each["key"]: each["state"] for each in (await service.get("/api/models"))[1]["data"]}
        assert states == {"tiny": "on disk", "other": "loaded"}
        assert (await service.post("/api/models/other/unload"))[1]["state"] == "on disk"
        assert (await service.post("/api/models/nothing/unload"))[0] == 404


class Unloadable(FakeEngine):
    async def load(self, key: str) -> Any:
        raise ModelUnavailable(key, "it is gone.")
        yield


async def test_a_model_that_cannot_be_loaded_says_why_in_the_stream(tmp_path: Path) -> None:
    async with serving(tmp_path, Unloadable()) as service:
        [(name, data)] = [event async for event in service.events("/api/models/tiny/load", "POST")]
        assert (name, data["error"]["code"]) == ("error", "model_unavailable")
        assert data["error"]["message"] == "The model tiny cannot be used: it is gone."


async def test_a_failure_is_told_where_the_job_is(tmp_path: Path) -> None:
    engine = FakeEngine(errors=[OutOfMemory("Try a smaller size.")])
    async with serving(tmp_path, engine) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox"})
        done = await service.done(job["id"])
        assert (done["status"], done["error"]["code"]) == ("failed", "out_of_memory")
        assert done["error"]["message"].endswith("Try a smaller size.")


@pytest.mark.parametrize(
    ("body", "status", "param", "words"),
    [
        ({"prompt": ""}, 400, "prompt", "at least 1 character"),
        ({"prompt": "   "}, 400, "prompt", "1 to 2000 characters"),
        ({"prompt": "x", "width": 65}, 400, "width", "64 to 128 in multiples of 8"),
        ({"prompt": "x", "num_images": 5}, 400, "num_images", "less than or equal to 4"),
        ({"prompt": "x", "steps": 5}, 400, "steps", "there is no such parameter"),
        ({"prompt": "x", "model": "tini"}, 404, None, "Did you mean tiny"),
        ({"prompt": "x", "parent_id": "zzz"}, 404, None, "There is no generation"),
        ([], 400, "body", "dictionary"),
    ],
)
async def test_a_value_that_does_not_fit_is_named(
    tmp_path: Path, body: Any, status: int, param: str | None, words: str
) -> None:
    async with serving(tmp_path) as service:
        answered, answer = await service.post("/api/generations", body)
        assert (answered, answer["error"]["param"]) == (status, param)
        assert words in answer["error"]["message"]


async def test_metrics_count_what_was_done(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox", "num_images": 2})
        await service.done(job["id"])
        async with service.http.get(service.url + "/metrics") as answer:
            lines = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines() if line[0] != "#")
        assert answer.content_type == "text/plain"
        assert lines['easel_pictures_total{model="tiny"}'] == "2.0"
        assert lines['easel_steps_total{model="tiny"}'] == "2.0"
        assert lines['easel_model_loads_total{model="tiny"}'] == "1.0"
        assert lines['easel_jobs_total{model="tiny",status="stored"}'] == "1.0"
        assert lines["easel_jobs_running"] == "0.0"
        assert lines["easel_job_waiting_seconds_count"] == "1.0"


async def test_it_is_ready_until_it_stops(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        assert (await service.get("/ready"))[0] == 200
        await service.desk.home.dispatcher.drain(0)
        assert (await service.get("/ready"))[0] == 503
        assert (await service.get("/health"))[0] == 200
        async with service.http.post(service.url + "/api/generations", json={"prompt": "x"}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_a_bug_is_told_by_a_number_and_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as service:

        async def broken() -> Any:
            raise RuntimeError("the secret inside")

        monkeypatch.setattr(service.engine, "models", broken)
        status, answer = await service.get("/api/models")
        assert (status, answer["error"]["code"]) == (500, "internal_error")
        assert "secret" not in str(answer)
        assert "Traceback" not in str(answer)


# Keys, and who sees what


def bearer(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}


async def test_a_key_is_a_person_who_sees_only_their_own(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path)
    ann, ben = keys.add("ann"), keys.add("ben")
    async with serving(tmp_path) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox"}, **bearer(ann))
        done = await service.done(job["id"], **bearer(ann))
        assert (await service.desk.home.ledger.get(int(job["id"], 36))).origin.person_id == "key:ann"
        assert len((await service.get("/api/generations", **bearer(ann)))[1]["data"]) == 1
        assert (await service.get("/api/generations", **bearer(ben)))[1]["data"] == []
        image = f"/api/images/{done['pictures'][0]['id']}"
        for path in (f"/api/generations/{job['id']}", f"/api/generations/{job['id']}/events", image):
            assert (await service.ask("GET", path, **bearer(ben)))[0] == 404
        assert (await service.ask("DELETE", f"/api/generations/{job['id']}", **bearer(ben)))[0] == 404
        assert (await service.post(f"/api/generations/{job['id']}/cancel", **bearer(ben)))[0] == 404
        assert (await service.post("/api/models/tiny/load", **bearer(ann)))[0] == 403
        body = {"prompt": "a fox", "on_behalf_of": {"person": "1"}}
        assert (await service.post("/api/generations", body, **bearer(ann)))[0] == 403


async def test_without_a_key_nothing_but_the_page_and_its_health_is_shown(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path)
    key = keys.add("ann")
    async with serving(tmp_path) as service:
        for path in ("/api/generations", "/api/models", "/api/engine", "/v1/models", "/metrics"):
            status, answer = await service.get(path)
            assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
            assert (await service.get(path, **bearer("easel_wrong")))[0] == 401
        for path in ("/", "/health", "/ready", "/page/app.js"):
            assert (await picture(service, path)).status == 200
        assert (await service.get("/v1/models", **bearer(key)))[0] == 200
        keys.remove("ann")
        assert (await service.get("/v1/models", **bearer(key)))[0] == 401, "at once, without a restart"


async def test_the_address_of_a_picture_works_alone_and_no_other_can_be_made_from_it(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).add("ann")
    async with serving(tmp_path) as service:
        _, job = await service.post("/api/generations", {"prompt": "a fox", "num_images": 2}, **bearer(key))
        first, second = (await service.done(job["id"], **bearer(key)))["pictures"]
        assert (await picture(service, first["url"])).status == 200
        query = first["url"].partition("?")[2]
        assert (await picture(service, f"/api/images/{second['id']}?{query}")).status == 401
        assert (await picture(service, first["url"].replace("expires=", "expires=9"))).status == 401
        assert (await picture(service, f"/api/images/{first['id']}")).status == 401


async def test_a_trusted_key_asks_for_others_so_that_turns_are_taken_between_people(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).add("bot", trusted=True)
    engine = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, engine, limits={"waiting_per_person": 2}) as service:
        jobs = []
        for person in ("ann", "ann", "ann", "ann", "ben"):
            body = {"prompt": f"for {person}", "on_behalf_of": {"person": person, "guild": "studio"}}
            status, job = await service.post("/api/generations", body, **bearer(key))
            assert status == 201, "the bot has charged its people's limits by itself"
            jobs.append(job["id"])
        assert engine.gate is not None
        engine.gate.set()
        for job in jobs:
            await service.done(job, **bearer(key))
        assert engine.started.index(int(jobs[-1], 36)) == 1, "Ben's only job comes right after Ann's first"
        rows = await service.get("/api/generations?person=ben", **bearer(key))
        assert [job["id"] for job in rows[1]["data"]] == [jobs[-1]]


async def test_a_person_with_a_key_is_bound_by_the_limits(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).add("ann")
    engine = FakeEngine(gate=asyncio.Event())
    async with serving(tmp_path, engine, limits={"waiting_per_person": 1}) as service:
        assert (await service.post("/api/generations", {"prompt": "a fox"}, **bearer(key)))[0] == 201
        status, answer = await service.post("/api/generations", {"prompt": "a fox"}, **bearer(key))
        assert (status, answer["error"]["type"]) == (429, "rate_limit_error")


def test_only_hashes_of_keys_are_on_disk_for_nobody_else_to_read(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path)
    secret = keys.add("ann", trusted=True)
    [file] = tmp_path.iterdir()
    assert secret not in file.read_text()
    assert secret.removeprefix("easel_") not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert [(key.name, key.trusted) for key in KeyRing(tmp_path)] == [("ann", True)]
    assert keys.find(secret) is not None
    assert keys.find(secret + "x") is None


# At the door

NAMES = own_names("localhost", ["gpu.example"])


@pytest.mark.parametrize(
    ("status", "method", "headers"),
    [
        (None, "GET", {"host": "localhost:5001"}),
        (None, "GET", {"host": "127.0.0.1:5001"}),
        (None, "GET", {"host": "[::1]:5001"}),
        (None, "GET", {"host": "192.168.1.7"}),
        (None, "GET", {"host": "GPU.example"}),
        (421, "GET", {"host": "evil.example"}),
        (421, "GET", {"host": "localhost.evil.example:5001"}),
        (421, "GET", {}),
        (None, "POST", {"host": "localhost:5001", "origin": "http://localhost:5001"}),
        (403, "POST", {"host": "localhost:5001", "origin": "http://localhost:8000"}),
        (403, "POST", {"host": "localhost:5001", "origin": "https://evil.example"}),
        (403, "GET", {"host": "localhost:5001", "origin": "null"}),
        (415, "POST", {"host": "localhost", "content-length": "5", "content-type": "text/plain"}),
        (415, "POST", {"host": "localhost", "content-length": "5"}),
        (415, "POST", {"host": "localhost", "transfer-encoding": "chunked"}),
        (None, "POST", {"host": "localhost", "content-length": "5", "content-type": "application/json; charset=utf-8"}),
        (413, "POST", {"host": "localhost", "content-length": str(MAX_BODY + 1), "content-type": "application/json"}),
    ],
    ids=str,
)
def test_the_door(status: int | None, method: str, headers: dict[str, str]) -> None:
    assert refusal(method, Headers(headers), NAMES) == status


async def test_the_door_stands_before_every_route(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for path in ("/", "/health", "/page/app.js", "/api/models", "/nothing"):
            assert (await service.ask("GET", path, headers={"Host": "evil.example"}))[0] == 421
            assert (await service.ask("GET", path, headers={"Origin": "http://evil.example"}))[0] == 403


async def test_a_body_without_a_length_is_cut_off_too(tmp_path: Path) -> None:
    async def endless() -> Any:
        for _ in range(MAX_BODY // 1000 + 10):
            yield b" " * 1000

    async with serving(tmp_path) as service:
        headers = {"Content-Type": "application/json"}
        status, answer = await service.ask("POST", "/api/generations", data=endless(), headers=headers)
        assert (status, answer["error"]["message"]) == (413, "The body is too large.")


async def test_a_body_that_does_not_arrive_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.service.security.BODY_S", 0.05)
    async with serving(tmp_path) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
        writer.write(
            b"POST /api/generations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 50\r\n\r\n{"
        )
        assert b" 408 " in await reader.readline()
        writer.close()


async def test_no_path_leads_out_of_the_pictures(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for id in ("..%2F..%2Feasel", "%2e%2e-0", "x" * 14 + "-0", "zzzzzzzzzzzzz-0", "abc-0"):
            assert (await picture(service, f"/api/images/{id}")).status in (400, 404)


async def test_answers_tell_browsers_to_keep_to_themselves(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for path in ("/", "/api/models", "/nothing"):
            headers = (await picture(service, path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
