"""Forwards of several sizes that give each row the same bits: larger ones where they are known to, and no others.

Which matrix kernel runs follows from how many rows there are, and so do the last bits of what it computes. On a CPU
nearly all kernels of a UNet take one picture after another, or see every point of a picture as a row, and then the bits
of a picture are its own. `steady` sees to what is left: layers that see one vector a picture, and activations. Whether
that was enough on this machine is not taken for granted: the first larger forward of each shape is computed both ways.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Hashable
from dataclasses import fields
from typing import Any

import torch

from engine.painting import Conditions, SteppedPipeline

VECTORS = 16
"""Rows of a layer that sees one vector a row, whatever the forward has: more than any forward on a CPU."""


class SameBits:
    """What the UNet predicts, always with the bits of forwards of a given size."""

    def __init__(self) -> None:
        self._alike: weakref.WeakKeyDictionary[SteppedPipeline, dict[Hashable, bool]] = weakref.WeakKeyDictionary()

    def predict(
        self,
        pipeline: SteppedPipeline,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Conditions,
        *,
        bits_of: int,
        group: Hashable,
    ) -> torch.Tensor:
        """What `unet` says of these rows, with the bits of forwards of `bits_of` rows; there are no fewer.

        Kernels do not look at values, so one comparison speaks for all later forwards of a group with so many rows;
        where it fails, they are made in parts.
        """
        if len(latents) == bits_of:
            return pipeline.unet(latents, timesteps, conditions)
        known = self._alike.setdefault(pipeline, {})
        shape = (group, bits_of, len(latents))
        if known.get(shape):
            return pipeline.unet(latents, timesteps, conditions)
        parts = []
        for at in range(0, len(latents), bits_of):
            begin = min(at, len(latents) - bits_of)  # where the last one would not be full, it overlaps
            rows = slice(begin, begin + bits_of)
            part = pipeline.unet(_copied(latents, rows), _copied(timesteps, rows), _told(conditions, rows))
            parts.append(part[at - begin :])
        predicted = torch.cat(parts)
        if shape not in known:
            known[shape] = torch.equal(predicted, pipeline.unet(latents, timesteps, conditions))
        return predicted


def _copied(tensor: torch.Tensor, rows: slice) -> torch.Tensor:
    return tensor[rows].clone()  # where a tensor begins in memory can decide on a kernel, too


def _told(conditions: Conditions, rows: slice) -> Conditions:
    def part(column: torch.Tensor | None) -> Any:
        return None if column is None else _copied(column, rows)

    return Conditions(**{column.name: part(getattr(conditions, column.name)) for column in fields(Conditions)})


def steady(network: torch.nn.Module) -> None:
    """Has the kernels of a UNet that would change with the rows of a forward always see as much.

    Layers that see one vector a row, which are the projections of the timestep, see VECTORS of them, the missing ones
    zero. Activations see one row after the other: their kernel deals what it gets to the threads, and computes what is
    left at the end of each thread's share with other instructions. Neither takes time to speak of.
    """
    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.forward = functools.partial(_filled_up, layer.forward)  # type: ignore[method-assign]
        elif isinstance(layer, torch.nn.SiLU):
            layer.forward = functools.partial(_one_by_one, layer.forward)  # type: ignore[method-assign]
        elif hasattr(layer, "gelu"):  # diffusers' GEGLU
            layer.gelu = functools.partial(_one_by_one, layer.gelu)  # type: ignore[arg-type,assignment]


def _one_by_one(activate: Callable[[torch.Tensor], torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
    return activate(rows) if len(rows) == 1 else torch.cat([activate(rows[at : at + 1]) for at in range(len(rows))])


def _filled_up(forward: Callable[[torch.Tensor], torch.Tensor], vectors: torch.Tensor) -> torch.Tensor:
    missing = VECTORS - len(vectors)
    if vectors.ndim != 2 or missing <= 0:
        return forward(vectors)
    return forward(torch.nn.functional.pad(vectors, (0, 0, 0, missing)))[: len(vectors)]
