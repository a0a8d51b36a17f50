"""The UNet's forward compiled and as a graph: what of it a machine without a GPU can try."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator

import pytest
import torch

from engine.compiled import GraphedUnet
from engine.painting import Conditions

pytestmark = pytest.mark.slow

ROWS, WIDTH = 2, 8


class Network(torch.nn.Module):
    """Called as a UNet is, and compiled in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.words = torch.nn.Conv2d(4, 4, 3, padding=1), torch.nn.Linear(WIDTH, 4)

    def forward(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        embeddings: torch.Tensor,
        added_cond_kwargs: dict[str, torch.Tensor] | None,
        return_dict: bool,
    ) -> tuple[torch.Tensor]:
        told = self.words(embeddings).mean(dim=1) + torch.sin(timesteps)[:, None]
        return (torch.tanh(self.into(latents)) + told[..., None, None],)


def arguments(side: int = 8) -> tuple[torch.Tensor, torch.Tensor, Conditions]:
    chance = torch.Generator().manual_seed(1)
    latents = torch.randn((ROWS, 4, side, side), generator=chance)
    words = torch.randn((ROWS, 7, WIDTH), generator=chance)
    return latents, torch.tensor([900.0, 20.0]), Conditions(words)


@pytest.fixture
def graphed() -> Iterator[GraphedUnet]:
    torch.manual_seed(0)
    with torch.inference_mode(False):
        network = Network().eval().requires_grad_(False)
    with torch.inference_mode():
        yield GraphedUnet(network)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the compiler's own
@pytest.mark.skipif(shutil.which("g++") is None, reason="the compiler for CPUs needs a C++ compiler")
def test_a_compiled_forward_predicts_the_same(graphed: GraphedUnet) -> None:
    graphed.compile(*arguments())
    difference = graphed(*arguments()) - graphed.eager(*arguments())
    assert difference.abs().max() < 1e-4
    assert list(graphed._compiled) == [(torch.Size((ROWS, 4, 8, 8)), torch.Size((ROWS, 7, WIDTH)))]


def test_what_cannot_be_compiled_runs_as_it_is(
    graphed: GraphedUnet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(network: torch.nn.Module, **options: object) -> object:
        def forward(*args: object, **kwargs: object) -> None:
            raise RuntimeError("no compiler here")

        return forward

    monkeypatch.setattr(torch, "compile", broken)
    graphed.compile(*arguments())
    assert torch.equal(graphed(*arguments()), graphed.eager(*arguments()))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there a graph can be captured")
def test_what_cannot_be_captured_runs_as_it_is_and_is_not_tried_again(
    graphed: GraphedUnet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_pool() -> None:
        raise RuntimeError("no CUDA graphs here")

    monkeypatch.setattr(torch.cuda, "graph_pool_handle", no_pool)
    expected = graphed.eager(*arguments())
    for _ in range(4):
        assert torch.equal(graphed(*arguments()), expected)
    assert len(caplog.records) == 1


def test_memory_that_runs_out_is_told_and_not_hidden(graphed: GraphedUnet, monkeypatch: pytest.MonkeyPatch) -> None:
    def starved() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(torch.cuda, "graph_pool_handle", starved)
    graphed(*arguments())
    with pytest.raises(torch.OutOfMemoryError):
        graphed(*arguments())
