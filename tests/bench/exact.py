"""C4: each sampler beside diffusers' own, in pixels; and the bits of a picture among shuffled, staggered neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.samplers import table
from engine.types import GenerationRequest, Sampler
from tests.bench import bits
from tests.bench.arms import Goal, Report, largest_gap, report
from tests.bench.rivals import Rivals, embedded


def stepped(rivals: Rivals) -> list[Sampler]:
    """Those with a table on that model's noise schedule."""
    return [sampler for sampler in Sampler if table(sampler, 4, rivals.pipeline.schedule) is not None]


def gaps(rivals: Rivals, steps: Sequence[int]) -> dict[str, dict[str, int]]:
    """The largest difference to diffusers' picture, out of 255, by sampler and steps."""
    found: dict[str, dict[str, int]] = {}
    for sampler in stepped(rivals):
        for count in steps:
            request = rivals.ask(sampler=sampler, num_inference_steps=count)
            found.setdefault(sampler, {})[f"{count} steps"] = largest_gap(rivals.paint(request), rivals.call(request))
    return found


def crowd(rivals: Rivals, pictures: int) -> list[GenerationRequest]:
    """Samplers, steps and guidance mixed."""
    samplers = stepped(rivals)
    return [
        rivals.ask(
            f"a fox, number {number}",
            seed=number,
            sampler=samplers[number % len(samplers)],
            num_inference_steps=4 + 3 * (number % 4),
            guidance_scale=1.0 if number % 3 == 2 else 4.0,
        )
        for number in range(pictures)
    ]


def c4(folder: Path, *, steps: Sequence[int] = (1, 4, 15), pictures: int = 7) -> Report:
    rivals = embedded(folder)
    parity = gaps(rivals, steps)
    among = bits.neighbours(rivals.pipeline, crowd(rivals, pictures))
    figures = {
        "largest gap to diffusers, of 255": (
            max(gap for by_steps in parity.values() for gap in by_steps.values()),
            Goal(at_most=1),
        ),
        "pictures whose bits depend on neighbours": (among.different, Goal(at_most=0)),
    }
    arms = {"gap to diffusers": parity, "compared among neighbours": among.pictures}
    return report(figures, arms, model="the embedded model, fp32")
