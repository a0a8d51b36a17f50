"""G2 and G6: whole pictures, by diffusers as documented, by diffusers tuned, and by the engine; and what they take."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]

from engine.forwards import Forwards
from engine.loading import Diffusers
from engine.painting import Pixels
from engine.pipelines import UnetPipeline
from engine.stepper import Stepper
from engine.types import GenerationRequest
from tests.bench import models
from tests.bench.models import Kind
from tests.bench.rig import Report, Rig, call, difference

GOALS = {
    "sdxl, 30 steps": ("latency_s", 0.95),
    "turbo, 4 steps": ("latency_s", 0.045),
    "turbo, 1 step": ("a_second", 90),
}
AT_ONCE = {"sdxl": 3, "sd15": 8, "turbo": 16}
"""Pictures that are asked for together where pictures a second are counted."""


def g2(rig: Rig, report: Report) -> None:
    """Latency of one picture, and pictures a second of several, of all three arms in turn."""
    report |= {
        "goal": {"of_tuned": 1.0, "of_default": 1.5, "more": {place: goal for place, (_, goal) in GOALS.items()}},
        "unit": "ours ÷ diffusers tuned, the least of all models, by pictures a second",
    }
    arms = report["arms"] = {}
    for name, steps in (("turbo", 1), ("turbo", 4), ("sdxl", None), ("sd15", None)):
        kind = rig.kinds[name]
        count = steps or kind.steps
        place = f"{name}, {count} step{'s' if count > 1 else ''}"
        arms[place] = pictures(rig, kind, count)
        judge(report)
        if count > 1:
            rig.forget("plain", kind.name, str(torch.float16))


def judge(report: Report) -> None:
    arms = report["arms"]
    ratios = [arm["ours_of_tuned"] for arm in arms.values()]
    report["figure"] = min(ratios)
    report["of_default"] = min(arm["ours_of_default"] for arm in arms.values())
    more = {}
    for place, (what, goal) in GOALS.items():
        if place in arms:
            value = arms[place]["ours"][what]
            more[place] = {"figure": value, "goal": goal, "met": value >= goal if what == "a_second" else value <= goal}
    report["more"] = more
    report["met"] = report["figure"] >= 1 and report["of_default"] >= 1.5


def pictures(rig: Rig, kind: Kind, steps: int) -> Report:
    """The three arms at that many steps: they paint the same in fp32 first, then they are timed."""
    same = parity(rig, kind, min(steps, 4))
    half = torch.float16 if rig.device.type == "cuda" else torch.float32
    default = rig.plain(kind, half)
    tuned = rig.plain(kind, rig.dtype, channels_last=True)
    asked = [kind.ask(seed=number, num_inference_steps=steps) for number in range(AT_ONCE[kind.name])]
    one = asked[0]
    before = tuned.unet
    tuned.unet = rig.compiled(before) if rig.compile else before

    def paint_tuned() -> Pixels:
        with torch.inference_mode():  # as the network was compiled
            return call(tuned, one)

    try:
        near = difference(paint_tuned(), rig.paint(kind, [one])[0])
        alone = rig.compare(
            {"default": lambda: call(default, one), "tuned": paint_tuned, "ours": lambda: rig.paint(kind, [one])},
            rounds=5,
            limit=16,
            wall=True,
        )
        many = {
            "ours": lambda: rig.paint(kind, asked),
            "ours, a prompt each": different_prompts(rig, kind, asked),
            "ours, exact off": lambda: rig.paint(kind, asked, exact=False),
        }
        together = rig.compare(many, rounds=3, limit=10, wall=True)
    finally:
        tuned.unet = before
    rates = {way: 1000 / alone[way] for way in ("default", "tuned")}  # diffusers paints one call after the other
    rates |= {way: len(asked) * 1000 / took for way, took in together.items()}
    result: Report = {
        way: {"latency_s": round(alone[way] / 1000, 4), "a_second": round(rates[way], 3)}
        for way in ("default", "tuned", "ours")
    }
    result["ours"]["a_second_with_a_prompt_each"] = round(rates["ours, a prompt each"], 3)
    result["ours"]["a_second_with_exact_off"] = round(rates["ours, exact off"], 3)
    return result | {
        "at_once": len(asked),
        "same_pictures_in_fp32": same,
        "ours_against_tuned": near,
        "ours_of_tuned": round(rates["ours"] / rates["tuned"], 3),
        "ours_of_default": round(rates["ours"] / rates["default"], 3),
        "latency_of_tuned": round(alone["tuned"] / alone["ours"], 3),
        "latency_of_default": round(alone["default"] / alone["ours"], 3),
    }


def different_prompts(rig: Rig, kind: Kind, asked: Sequence[GenerationRequest]) -> Callable[[], object]:
    """The same pictures with prompts that were never seen: what is kept of a prompt does not help."""
    rounds = iter(range(1_000_000))

    def paint() -> object:
        number = next(rounds)
        return rig.paint(
            kind,
            [request.model_copy(update={"prompt": f"fox {number} of {place}"}) for place, request in enumerate(asked)],
        )

    return paint


def parity(rig: Rig, kind: Kind, steps: int) -> Report:
    """Diffusers' picture and ours in fp32, from the same weights."""
    precise = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        pipe = models.build(kind, rig.device, torch.float32, rig.scratch / "words")
        request = kind.ask(seed=5, num_inference_steps=steps)
        with torch.inference_mode():
            theirs = call(pipe, request)
        ours = UnetPipeline(kind.spec, pipe, rig.device, rig.config)
        stepper = Stepper(Forwards())
        try:
            future = stepper.join(ours, request, request.seed)
            stepper.run()
            found: Report = difference(theirs, future.result().pixels) | {"steps": steps}
        finally:
            stepper.close()
    finally:
        torch.backends.cudnn.allow_tf32 = precise
    if found["largest"] > 1:
        raise AssertionError(f"{kind.name}: the arms do not paint the same picture: {found}")
    return found


def g6(rig: Rig, report: Report) -> None:
    """Memory at its peak, seconds to load from disk, and how much of the time the device does nothing."""
    unit = "share of the time in which the GPU is idle while it paints SDXL at 1024²"
    report |= {"goal": None, "met": None, "unit": unit}
    arms = report["arms"] = {}
    for name in ("sd15", "turbo", "sdxl"):
        kind = rig.kinds[name]
        arm: Report = arms.setdefault(name, {})
        if rig.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            rig.paint(kind, [kind.ask(seed=1)])
            peak = torch.cuda.max_memory_allocated()
            arm["model_gb"] = round(rig.ours(kind).bytes / 1e9, 3)
            arm["peak_gb"] = round((peak - before + rig.ours(kind).bytes) / 1e9, 3)
        few = [kind.ask(seed=number, num_inference_steps=min(kind.steps, 10)) for number in range(3)]
        arm["idle_share"] = idle_share(rig, lambda few=few, kind=kind: rig.paint(kind, few))  # type: ignore[misc]
        report["figure"] = arm["idle_share"]
    for name in ("sd15", "sdxl"):
        if rig.left > 30:
            arms[name]["load_s"] = load_seconds(rig, rig.kinds[name])


def load_seconds(rig: Rig, kind: Kind) -> float:
    """From a folder that was just written, so that its files are in the machine's memory, to the device."""
    folder = rig.scratch / "saved" / kind.name
    models.build(kind, rig.device, rig.dtype, rig.scratch / "words").save_pretrained(folder)
    spec = kind.spec.model_copy(update={"repository": str(folder)})
    backend = Diffusers(rig.config)

    def load() -> None:
        backend.load(spec, lambda fraction, text: None, lambda: False).close()

    return round(rig.seconds(load), 2)


def idle_share(rig: Rig, work: Callable[[], object]) -> float | None:
    """The share of the work's time in which no kernel runs, on any stream; None where kernels cannot be seen."""
    work()
    if rig.device.type != "cuda":
        return None
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        took = rig.seconds(work)
    spans = sorted(_kernels(profile))
    busy, until = 0.0, 0.0
    for start, end in spans:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    first = spans[0][0] if spans else 0.0
    whole = max(until - first, 1e-9)
    return round(1 - busy / whole, 4) if spans and took else None


def _kernels(profile: Any) -> Iterator[tuple[float, float]]:
    """Starts and ends in microseconds of all that ran on the device."""
    for event in profile.events():
        if event.device_type == DeviceType.CUDA:
            with contextlib.suppress(AttributeError):
                yield event.time_range.start, event.time_range.end
