"""A UNet's forward as a CUDA graph: one launch instead of thousands, compiled before that where it is wanted.

A forward of SDXL launches about 2,000 kernels, and on a fast GPU Python takes longer to ask for them than they take.
A graph keeps the whole forward for one shape and replays it. It holds the same kernels with the same arguments, so a
picture's bits do not say whether it was painted with one.

A compiled network has other kernels and so other low bits. It is made while the model loads, for one shape, and that
shape never runs in any other way: bits depend on the size of the picture, not on when it was asked for.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from engine.device import ran_out
from engine.painting import Conditions

log = logging.getLogger("engine.worker")

GRAPHS = 8
"""Shapes that are kept as graphs: their intermediate results stay on the device, in one pool that they share."""

Forward = Callable[[torch.Tensor, torch.Tensor, Conditions], torch.Tensor]
"""Latents (rows, channels, height, width), timesteps (rows,) and conditions -> what the network predicts."""

Shape = tuple[torch.Size, torch.Size]


def _shape(latents: torch.Tensor, conditions: Conditions) -> Shape:
    return latents.shape, conditions.embeddings.shape


class GraphedUnet:
    """The network's forward on a GPU. One thread calls it; what it gives back holds until the next call."""

    def __init__(self, unet: torch.nn.Module) -> None:
        self._unet = unet
        self._compiled: dict[Shape, Forward] = {}
        self._seen: set[Shape] = set()
        self._hopeless: set[Shape] = set()
        self._graphs: OrderedDict[Shape, _Graph] = OrderedDict()
        self._pool: Any = None

    def __call__(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        shape = _shape(latents, conditions)
        forward = self._compiled.get(shape, self.eager)
        graph = self._graphs.get(shape)
        if graph is None:
            if shape not in self._seen or shape in self._hopeless:  # one forward of a size may be the only one
                self._seen.add(shape)
                return forward(latents, timesteps, conditions)
            graph = self._captured(shape, forward, latents, timesteps, conditions)
            if graph is None:
                return forward(latents, timesteps, conditions)
        self._graphs.move_to_end(shape)
        return graph(latents, timesteps, conditions)

    def eager(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        return _called(self._unet, latents, timesteps, conditions)

    def compile(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> None:
        """Compiles the network for arguments of this shape. Takes a minute, or seconds where it was done before.

        What cannot be compiled runs as it is, and one line of the log says so.

        The compiler keeps its work on disk (TORCHINDUCTOR_CACHE_DIR).
        """
        shape = _shape(latents, conditions)
        torch._dynamo.config.recompile_limit = 64  # every shape of every model is a graph of its own
        network: Any = torch.compile(self._unet, fullgraph=True, dynamic=False)

        def forward(latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
            return _called(network, latents, timesteps, conditions)

        try:
            forward(latents, timesteps, conditions)
        except Exception as error:
            if ran_out(error):
                raise
            log.warning("%s could not be compiled; it goes on without", tuple(shape[0]), exc_info=True)
            return
        self._compiled[shape] = forward
        self._graphs.pop(shape, None)

    def forget(self) -> None:
        """Gives the graphs' memory back; they are made anew as they are needed."""
        self._graphs.clear()
        self._pool = None

    def _captured(
        self,
        shape: Shape,
        forward: Forward,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Conditions,
    ) -> _Graph | None:
        try:
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            graph = _Graph(forward, latents, timesteps, conditions, self._pool)
        except Exception as error:
            if ran_out(error):
                raise
            log.warning("no CUDA graph of %s; it goes on without", tuple(shape[0]), exc_info=True)
            self._hopeless.add(shape)
            return None
        self._graphs[shape] = graph
        if len(self._graphs) > GRAPHS:
            self._graphs.popitem(last=False)
        return graph


def _called(
    network: Callable[..., Any], latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions
) -> torch.Tensor:
    added = None
    if conditions.pooled is not None:
        added = {"text_embeds": conditions.pooled, "time_ids": conditions.time_ids}
    predicted: torch.Tensor = network(
        latents, timesteps, conditions.embeddings, added_cond_kwargs=added, return_dict=False
    )[0]
    return predicted


class _Graph:
    """The forward's kernels, on arguments and a result that stay where they are."""

    def __init__(
        self,
        forward: Forward,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Conditions,
        pool: Any,
    ) -> None:
        self._latents, self._timesteps = latents.clone(), timesteps.clone()
        self._conditions = Conditions(
            conditions.embeddings.clone(),
            None if conditions.pooled is None else conditions.pooled.clone(),
            None if conditions.time_ids is None else conditions.time_ids.clone(),
        )
        self._told = conditions
        self._graph = torch.cuda.CUDAGraph()
        # Libraries choose kernels and take their workspaces at the first call on a stream: before the capture.
        stream = torch.cuda.Stream(latents.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(latents.device))
        with torch.cuda.stream(stream):
            forward(self._latents, self._timesteps, self._conditions)
        torch.cuda.current_stream(latents.device).wait_stream(stream)
        # Another thread decodes meanwhile: what it does must not count as part of this.
        with torch.cuda.graph(self._graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            self._predicted = forward(self._latents, self._timesteps, self._conditions)

    def __call__(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        self._latents.copy_(latents)
        self._timesteps.copy_(timesteps)
        if conditions is not self._told:  # the same object comes again while the same pictures are in the same rows
            self._conditions.embeddings.copy_(conditions.embeddings)
            if self._conditions.pooled is not None and conditions.pooled is not None:
                self._conditions.pooled.copy_(conditions.pooled)
            if self._conditions.time_ids is not None and conditions.time_ids is not None:
                self._conditions.time_ids.copy_(conditions.time_ids)
            self._told = conditions
        self._graph.replay()
        return self._predicted
