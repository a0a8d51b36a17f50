"""C1: what a picture costs around its networks, in diffusers' pipeline and in ours."""

from __future__ import annotations

from collections.abc import Callable

import torch

from engine.forwards import Forwards
from engine.painting import Pixels
from engine.stepper import Stepper
from engine.types import GenerationRequest
from tests.bench.arms import Goal, Report, medians, report, same_pictures
from tests.bench.rivals import Rivals, stubs

Arm = Callable[[GenerationRequest], Pixels]

KINDS: dict[str, tuple[dict[str, float], Goal]] = {
    "20 steps": ({"num_inference_steps": 20, "guidance_scale": 7.5}, Goal(at_least=1.4)),
    "1 step": ({"num_inference_steps": 1, "guidance_scale": 0.0}, Goal(at_least=2.5)),
}
"""As Stable Diffusion is asked, and as Turbo is. The goal is diffusers' time ÷ ours."""


def c1(rounds: int = 80) -> Report:
    """The same prompt with another seed each time, as people press "Again"; beside it a prompt that is always new."""
    rivals = stubs()
    stepper = Stepper(Forwards())
    try:
        return _measured(rivals, _arms(rivals, stepper), rounds)
    finally:
        stepper.close()


def _arms(rivals: Rivals, stepper: Stepper) -> dict[str, Arm]:
    def diffusers(request: GenerationRequest) -> Pixels:
        return rivals.call(request)[0]

    def tuned(request: GenerationRequest) -> Pixels:
        with torch.inference_mode():
            return rivals.call(request, output="np")[0]

    def easel(request: GenerationRequest) -> Pixels:
        future = stepper.join(rivals.pipeline, request, request.seed)
        stepper.run()
        return future.result().pixels

    return {"diffusers": diffusers, "diffusers tuned": tuned, "easel": easel}


def _measured(rivals: Rivals, arms: dict[str, Arm], rounds: int) -> Report:
    figures, found, gap = {}, {}, 0
    for kind, (options, goal) in KINDS.items():
        some = [rivals.ask(f"a fox, number {seed}", seed=seed, **options) for seed in range(3)]
        painted = {name: [arm(request) for request in some] for name, arm in arms.items()}
        gap = max(gap, *(same_pictures(painted["easel"], painted[name]) for name in arms))
        seeds = iter(range(100, 10**9))

        def again(arm: Arm, options: dict[str, float] = options, seeds: object = seeds) -> Callable[[], Pixels]:
            return lambda: arm(rivals.ask("a fox", seed=next(seeds), **options))  # type: ignore[call-overload]

        def anew(arm: Arm, options: dict[str, float] = options, seeds: object = seeds) -> Callable[[], Pixels]:
            return lambda: arm(rivals.ask(f"a fox, number {next(seeds)}", **options))  # type: ignore[call-overload]

        for what, asked in (("", again), (", a new prompt", anew)):
            took = medians({name: asked(arm) for name, arm in arms.items()}, rounds)
            found[kind + what] = {name: round(each, 3) for name, each in took.items()}
        took = found[kind]
        figures[kind] = (took["diffusers"] / took["easel"], goal)
    return report(figures, found, unit="time of diffusers ÷ ours; arms in ms a picture", largest_gap=gap)
