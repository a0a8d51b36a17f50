"""`python -m engine serve` as people start, stop and kill it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.serving import BOX, ROOT, Child, service_process, sse

pytestmark = pytest.mark.slow


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments, "--config", str(folder / "config.toml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
    )


async def queue(http: aiohttp.ClientSession, child: Child, prompt: str, **options: object) -> str:
    async with http.post(f"{child.url}/api/generations", json={"prompt": prompt, **options}) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def until(http: aiohttp.ClientSession, child: Child, id: str, event: str) -> dict[str, object]:
    """Waits for an event of a job, and returns its data."""
    async with http.get(f"{child.url}/api/generations/{id}/events") as answer:
        async for name, data in sse(answer):
            if name == event:
                return dict(data)
    raise AssertionError(f"{event} did not come")


async def test_killed_in_the_middle_of_a_job_and_started_again_it_finishes_the_job(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        with service_process(tmp_path) as child:
            id = await queue(http, child, "slow fox", num_inference_steps=20, seed=7)
            waiting = [await queue(http, child, f"boat {number}", seed=number) for number in range(5)]
            await until(http, child, id, "progress")
            child.kill()
        with service_process(tmp_path) as child:
            for each in (id, *waiting):
                job = (await until(http, child, each, "done"))["generation"]
                assert isinstance(job, dict)
                assert job["status"] == "stored"
                async with http.get(child.url + job["pictures"][0]["url"]) as answer:
                    assert (await answer.read()).startswith(b"\x89PNG")


async def test_a_second_service_says_who_is_there_already(tmp_path: Path) -> None:
    with service_process(tmp_path) as child:
        port = child.url.rpartition(":")[2]
        same_port = command(tmp_path, "serve", "--port", port, "--data-dir", str(tmp_path / "other"))
        assert same_port.returncode == 2
        assert f"Port {port} is taken: an image service of Easel runs there already." in same_port.stderr
        same_folder = command(tmp_path, "serve", "--port", "0")
        assert same_folder.returncode == 2
        assert "An image service uses" in same_folder.stderr
        beside = command(tmp_path, "imagine", "a fox")
        assert beside.returncode == 1
        assert "Another Easel" in beside.stderr


async def test_asked_to_stop_it_finishes_what_runs_and_keeps_what_waits(tmp_path: Path) -> None:
    with service_process(tmp_path) as child:
        async with aiohttp.ClientSession() as http:
            running = await queue(http, child, "slow fox", num_inference_steps=10)
            await until(http, child, running, "progress")
            following = asyncio.create_task(until(http, child, running, "done"))
            stopped = await asyncio.to_thread(command, tmp_path, "serve", "--stop")
            assert stopped.returncode == 0, stopped.stderr
            assert "has stopped" in stopped.stderr
            job = (await following)["generation"]
            assert isinstance(job, dict)
            assert job["status"] == "stored", "who watches sees the end before the service is gone"
        assert child.process.wait(10) == 0
    again = command(tmp_path, "serve", "--stop")
    assert again.returncode == 2
    assert "There is no image service" in again.stderr
    lines = [json.loads(line) for line in (tmp_path / "logs" / "image_service.log").read_text().splitlines()]
    assert {"stopping", "stopped"} <= {line["event"] for line in lines}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_sigterm_stops_it_and_its_worker(tmp_path: Path) -> None:
    with service_process(tmp_path) as child:
        tasks = Path(f"/proc/{child.process.pid}/task")
        workers = [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(30) == 0
    until = time.monotonic() + 10
    while workers and time.monotonic() < until:
        workers = [pid for pid in workers if os.path.exists(f"/proc/{pid}")]
        time.sleep(0.05)
    assert workers == []


def test_an_address_that_others_reach_wants_keys_before_it_opens(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(BOX)
    refused = command(tmp_path, "serve", "--host", "0.0.0.0")
    assert refused.returncode == 2
    assert "engine keys add" in refused.stderr
    made = command(tmp_path, "keys", "add", "ann")
    assert made.stdout.startswith("easel_")
    assert "ann" in command(tmp_path, "keys", "list").stdout
    assert "a name that no other key has" in command(tmp_path, "keys", "add", "ann").stderr
    assert command(tmp_path, "keys", "remove", "ann").returncode == 0
    assert command(tmp_path, "keys", "remove", "ann").returncode == 2


async def test_two_hundred_clients_at_once_all_get_their_own_picture(tmp_path: Path) -> None:
    with service_process(tmp_path) as child:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:

            async def client(number: int) -> str:
                id = await queue(http, child, f"client {number}", seed=number, num_inference_steps=1)
                job = (await until(http, child, id, "done"))["generation"]
                assert isinstance(job, dict)
                assert (job["status"], job["request"]["prompt"]) == ("stored", f"client {number}")
                async with http.get(child.url + job["pictures"][0]["url"]) as answer:
                    await answer.read()
                    assert answer.status == 200
                return str(job["pictures"][0]["sha256"])

            made = await asyncio.gather(*(client(number) for number in range(200)))
            assert len(set(made)) == 200
            async with http.get(f"{child.url}/api/generations?status=any&limit=100") as answer:
                assert {job["status"] for job in (await answer.json())["data"]} == {"stored"}
