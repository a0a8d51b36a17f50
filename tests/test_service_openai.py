"""OpenAI's own client, unchanged, in front of the service."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from engine.errors import GenerationFailed, ModelUnavailable
from engine.ledger import HistoryFilter
from engine.service.keys import KeyRing
from engine.types import Event, GenerationRequest, Progress, Status
from tests.fakes import FakeEngine, paint, small_catalog
from tests.serving import Serving, serving


class Previewing(FakeEngine):
    """Shows a preview after each step: the number of the step."""

    async def generate(self, id: int, request: GenerationRequest) -> AsyncIterator[Event]:
        async for event in super().generate(id, request):
            if isinstance(event, Progress):
                event = Progress(event.step, event.of, b"preview %d" % event.step)
                yield event
                await asyncio.sleep(0.02)
            else:
                yield event


@asynccontextmanager
async def speaking(
    data_dir: Path, engine: FakeEngine | None = None, key: str = "none needed"
) -> AsyncIterator[tuple[Serving, AsyncOpenAI]]:
    async with (
        serving(data_dir, engine) as service,
        AsyncOpenAI(api_key=key, base_url=f"{service.url}/v1", max_retries=0) as client,
    ):
        yield service, client


def expected(prompt: str, seed: int) -> bytes:
    return paint(small_catalog().request("tiny", prompt), seed)


async def test_it_generates(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, client):
        made = await client.images.generate(
            prompt="a fox", model="tiny", n=2, size="64x64", response_format="b64_json", extra_body={"seed": 7}
        )
        assert made.data is not None
        assert [base64.b64decode(each.b64_json or "") for each in made.data] == [
            expected("a fox", 7),
            expected("a fox", 8),
        ]
        assert made.size == "64x64"


async def test_the_plainest_call_works(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, client):
        made = await client.images.generate(prompt="a fox")
        assert made.data is not None
        assert made.data[0].b64_json is not None
        assert made.data[0].url is not None


async def test_a_url_is_fetched_without_a_key_also_where_keys_are_demanded(tmp_path: Path) -> None:
    key = KeyRing(tmp_path).add("ann")
    async with speaking(tmp_path, key=key) as (service, client):
        made = await client.images.generate(prompt="a fox", response_format="url", extra_body={"seed": 7})
        assert made.data is not None
        [image] = made.data
        assert image.b64_json is None
        assert image.url is not None
        assert image.url.startswith(f"{service.url}/api/images/")
        async with service.http.get(image.url) as answer:
            assert await answer.read() == expected("a fox", 7)


async def test_it_lists_models(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, client):
        assert [model.id async for model in client.models.list()] == ["tiny", "other"]
        assert (await client.models.retrieve("other")).owned_by == "easel"


async def test_it_streams_previews_and_then_the_pictures(tmp_path: Path) -> None:
    async with speaking(tmp_path, Previewing()) as (_, client):
        stream = await client.images.generate(
            prompt="a fox",
            model="tiny",
            stream=True,
            partial_images=2,
            extra_body={"seed": 7, "num_inference_steps": 9},
        )
        events = [event async for event in stream]
        assert [event.type for event in events] == [
            "image_generation.partial_image",
            "image_generation.partial_image",
            "image_generation.completed",
        ]
        first, second = (int(base64.b64decode(event.b64_json).split()[1]) for event in events[:2])
        assert 3 <= first < second
        assert [event.partial_image_index for event in events[:2]] == [0, 1]
        assert base64.b64decode(events[-1].b64_json) == expected("a fox", 7)


async def test_easels_own_options_are_further_parameters(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (service, client):
        extra = {"negative_prompt": "rain", "num_inference_steps": 3, "guidance_scale": 2.5, "sampler": "Euler a"}
        await client.images.generate(prompt="a fox", size="128x64", extra_body=extra)
        [row] = await service.desk.home.ledger.history()
        request = row.request.model_dump()
        assert {name: request[name] for name in extra} == extra
        assert (request["width"], request["height"]) == (128, 64)


async def test_errors_are_the_clients_own(tmp_path: Path) -> None:
    async with speaking(tmp_path) as (_, client):
        with pytest.raises(openai.BadRequestError, match="in multiples of 8 for tiny") as wrong:
            await client.images.generate(prompt="a fox", size="65x64")
        assert (wrong.value.param, wrong.value.code, wrong.value.type) == (
            "size",
            "invalid_request",
            "invalid_request_error",
        )
        with pytest.raises(openai.NotFoundError, match="Did you mean tiny"):
            await client.images.generate(prompt="a fox", model="tini")
        with pytest.raises(openai.BadRequestError, match="steps: there is no such parameter"):
            await client.images.generate(prompt="a fox", extra_body={"steps": 3})


async def test_a_key_that_is_not_known_is_refused(tmp_path: Path) -> None:
    KeyRing(tmp_path).add("ann")
    async with speaking(tmp_path, key="easel_wrong") as (_, client):
        with pytest.raises(openai.AuthenticationError):
            await client.images.generate(prompt="a fox")


@pytest.mark.parametrize(
    ("error", "status"), [(GenerationFailed("The model raised."), 500), (ModelUnavailable("tiny", "it is gone."), 424)]
)
async def test_a_failure_reaches_the_client_with_its_reason(tmp_path: Path, error: Exception, status: int) -> None:
    async with speaking(tmp_path, FakeEngine(errors=[error, error])) as (_, client):
        with pytest.raises(openai.APIStatusError, match=str(error)) as told:
            await client.images.generate(prompt="a fox")
        assert told.value.status_code == status
        stream = await client.images.generate(prompt="a fox", stream=True)
        with pytest.raises(openai.APIError, match=str(error)):
            [event async for event in stream]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_has_its_job_cancelled(tmp_path: Path, stream: bool) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with speaking(tmp_path, engine) as (service, client):

        async def ask() -> None:
            answer = await client.images.generate(prompt="a fox", stream=stream)
            if stream:
                [event async for event in answer]

        asking = asyncio.create_task(ask())
        await engine.busy.wait()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(10):
            while not await service.desk.home.ledger.history(HistoryFilter(status=Status.CANCELLED)):  # noqa: ASYNC110 (nothing tells when)
                await asyncio.sleep(0.01)
        assert len(engine.cancelled) == 1


async def test_a_client_that_comes_back_with_its_key_finds_its_job(tmp_path: Path) -> None:
    engine = FakeEngine(gate=asyncio.Event())
    async with speaking(tmp_path, engine) as (_, client):
        headers = {"Idempotency-Key": "mine"}
        asking = asyncio.create_task(client.images.generate(prompt="a fox", extra_headers=headers))
        await engine.busy.wait()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        assert engine.gate is not None
        engine.gate.set()
        made = await client.images.generate(prompt="a fox", extra_headers=headers)
        assert made.data is not None
        assert len(engine.started) == 1
        assert engine.cancelled == []
