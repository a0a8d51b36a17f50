"""G5: on this device, do a picture's bits depend on its neighbours, on its place among them, on how it is run?"""

from __future__ import annotations

import dataclasses

import torch

from engine.painting import Conditions
from engine.types import GenerationRequest, Sampler
from tests.bench import bits
from tests.bench.models import Kind
from tests.bench.rig import Report, Rig

BUCKETS = {"sd15": (4, 2, 8), "turbo": (2, 1, 4), "sdxl": (2, 4)}
"""Rows of each forward; the first is the engine's own choice for that size."""


def g5(rig: Rig, report: Report) -> None:
    """Mixed requests, each painted alone and then shuffled and staggered among the others, in fixed buckets."""
    report |= {"goal": 0, "unit": "pictures that differ in any value"}
    arms = report["arms"] = {}
    for name, buckets in BUCKETS.items():
        kind = rig.kinds[name]
        for number, bucket in enumerate(buckets):
            if number and rig.left < 60:
                continue
            found = bits.neighbours(
                rig.ours(kind),
                mixed(kind)[: 4 if name == "sdxl" or rig.tiny else 6],
                bucket=bucket,
                shuffles=2 if number else 3,
            )
            arms[f"{name}, {bucket} rows"] = dataclasses.asdict(found) | rows_alike(rig, kind, bucket)
            judge(report)


def g5_compiled(rig: Rig, report: Report) -> None:
    """The same once the engine's own buckets are compiled; and the graphs of before, beside a forward without."""
    arms = report.setdefault("arms", {})
    for name, buckets in BUCKETS.items():
        kind = rig.kinds[name]
        if not rig.compile or rig.left < 60:
            return
        rig.ours(kind).compile()
        found = bits.neighbours(rig.ours(kind), mixed(kind)[:4], bucket=buckets[0], shuffles=2)
        arms[f"{name}, {buckets[0]} rows, compiled"] = dataclasses.asdict(found) | rows_alike(rig, kind, buckets[0])
        judge(report)


def judge(report: Report) -> None:
    arms = report["arms"].values()
    report["figure"] = sum(arm["different"] for arm in arms)
    report["met"] = report["figure"] == 0
    report["pictures"] = sum(arm["pictures"] for arm in arms)


def mixed(kind: Kind) -> list[GenerationRequest]:
    """Requests of one model and size that differ in everything else."""
    samplers = [Sampler.EULER, Sampler.EULER_A, Sampler.DPMPP_2M_KARRAS, Sampler.DPMPP_2M_SDE, Sampler.DPMPP_2M]
    steps = [1, 4, 2, 3, 4, 2] if kind.turbo else [4, 7, 5, 9, 6, 3]
    scales = [0.0] if kind.turbo else [7.5, 1.0, 3.0, 5.0]
    return [
        kind.ask(
            seed=100 + number,
            prompt=f"fox number {number}",
            num_inference_steps=count,
            guidance_scale=scales[number % len(scales)],
            sampler=samplers[number % (2 if kind.turbo else len(samplers))],
        )
        for number, count in enumerate(steps)
    ]


def rows_alike(rig: Rig, kind: Kind, count: int) -> Report:
    """One forward, with its rows in order, turned round, and with others beside the first: which rows' bits change."""
    pipeline = rig.ours(kind)
    with torch.inference_mode():
        (latents, times, words), options = rig.rows(kind, count)
        added = options["added_cond_kwargs"] or {}
        told = Conditions(words, added.get("text_embeds"), added.get("time_ids"))
        plain = pipeline._graphed.eager(latents, times, told).clone()
        for _ in range(3):  # from the second on it is a graph, where the device has them
            base = pipeline.unet(latents, times, told).clone()
        order = [*range(1, count), 0]
        turned = pipeline.unet(latents[order], times[order], _taken(told, order)).clone()
        alone = [0] * count
        beside = pipeline.unet(latents[alone], times[alone], _taken(told, alone)).clone()
    moved = sum(bool((base[row] != turned[place]).any()) for place, row in enumerate(order))
    return {
        "rows": count,
        "rows_that_change_when_they_move": moved,
        "graph_differs_from_eager": bool((base != plain).any()),
        "first_row_changes_with_others": bool((base[0] != beside[0]).any()),
    }


def _taken(told: Conditions, rows: list[int]) -> Conditions:
    return Conditions(
        told.embeddings[rows],
        None if told.pooled is None else told.pooled[rows],
        None if told.time_ids is None else told.time_ids[rows],
    )
