"""Five hundred requests of every kind: the memory, the threads and the rows are afterwards what they were before."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import threading
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("torch")

from engine.config import EngineConfig
from engine.errors import GenerationFailed
from engine.forwards import Forwards
from engine.local import LocalEngine
from engine.stepper import Stepper
from engine.types import GenerationRequest, Progress, Sampler
from tests import steppable
from tests.steppable import Convolutions, Watching, ask, live_tensors

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def mixed(number: int, prompt: str | None = None, **options: object) -> GenerationRequest:
    """Prompts of three lengths, one to seven steps, with and without guidance, three sizes, every sampler."""
    return ask(
        prompt or f"picture {number % 50}" + " and more" * (number % 3 * 10),
        seed=number,
        num_inference_steps=1 + number % 7,
        guidance_scale=(1, 4)[number % 2],
        width=(64, 96, 128)[number % 3],
        sampler=list(Sampler)[number % len(Sampler)],
        **options,
    )


@pytest.mark.parametrize("policy", ["PASSIVE", "ACTIVE"])
def test_five_hundred_mixed_requests_leave_nothing_behind(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", policy)  # decoded on another thread, and on this one
    pipeline, stepper = Convolutions(), Stepper(Forwards())

    def some(count: int) -> None:
        futures = [
            stepper.join(
                pipeline,
                mixed(number),
                number,
                Watching(stop_at=2 if number % 11 == 0 else 1000, previews=number % 5 == 0),
            )
            for number in range(count)
            if stepper.step() or True
        ]
        stepper.run()
        assert all(future.done() for future in futures)

    some(500)  # fills the caches, which have fixed sizes
    tensors, threads = live_tensors(), threading.active_count()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    some(500)
    assert live_tensors() == tensors
    assert threading.active_count() == threads
    assert not stepper.busy
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 50_000  # kilobytes, above the first ones
    stepper.close()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
async def test_a_worker_that_served_five_hundred_mixed_requests_is_as_large_as_before() -> None:
    """Pictures, whole calls, cancellations, failures and models that come and go, eight at a time."""
    async with LocalEngine(EngineConfig(), steppable.CATALOG, backend=steppable.BACKEND) as engine:
        room = asyncio.Semaphore(8)

        async def one(number: int) -> str:
            request = mixed(
                number,
                prompt="raise" if number % 13 == 0 else None,
                model=("plain", "other")[number % 2],
                num_images=1 + number % 2,
            )
            async with room, contextlib.aclosing(engine.generate(number, request)) as events:
                try:
                    async for event in events:
                        if number % 11 == 0 and isinstance(event, Progress):
                            return "cancelled"
                except GenerationFailed:
                    return "failed"
            if number % 100 == 99:
                await engine.unload(request.model)
            return "painted"

        async def some(numbers: range) -> Counter[str]:
            return Counter(await asyncio.gather(*(one(number) for number in numbers)))

        def resident() -> int:
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()

        await some(range(200))
        pid = (await engine.status()).worker_pid
        before = resident()
        ends = await some(range(200, 700))
        assert (await engine.status()).worker_pid == pid
        assert resident() - before < 20_000_000
        assert sum(ends.values()) == 500
        assert set(ends) == {"painted", "cancelled", "failed"}
        status = await engine.status()
        assert (status.running, status.free > 0) == ((), True)
