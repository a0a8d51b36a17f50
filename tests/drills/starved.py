"""The real diffusers in the worker, whose memory runs out at chosen forwards of the UNet.

EASEL_DRILL_STARVE is "first:rows:times": from that forward on, counting those with at least so many rows, so many
times. Forwards are counted from each load. Each that ran out leaves a line with its rows in the file that
EASEL_DRILL_STARVED names.
"""

from __future__ import annotations

import os

import torch

from engine.catalog import ModelSpec
from engine.loading import Diffusers
from engine.painting import Report, ShouldStop
from engine.pipelines import DiffusersPipeline

STARVE = "EASEL_DRILL_STARVE"
STARVED_AT = "EASEL_DRILL_STARVED"


class Starved(Diffusers):
    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> DiffusersPipeline:
        pipeline = super().load(spec, report, should_stop)
        first, rows, times = map(int, os.environ.get(STARVE, "1:1:0").split(":"))
        forwards = 0

        def run_out(module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            nonlocal forwards
            if args[0].shape[0] < rows:
                return
            forwards += 1
            if first <= forwards < first + times:
                with open(os.environ[STARVED_AT], "a", encoding="utf-8") as file:
                    file.write(f"{args[0].shape[0]}\n")
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

        pipeline._pipe.unet.register_forward_pre_hook(run_out)
        return pipeline
