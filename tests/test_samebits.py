"""Larger forwards where they keep everybody's bits, and none where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from diffusers.models.activations import GEGLU  # noqa: E402

from engine.forwards import Forwards  # noqa: E402
from engine.painting import Conditions, Pixels  # noqa: E402
from engine.samebits import VECTORS, steady  # noqa: E402
from engine.stepper import Stepper  # noqa: E402
from engine.types import GenerationRequest  # noqa: E402
from tests.steppable import Convolutions, ask  # noqa: E402

pytestmark = pytest.mark.slow

CROWD = [ask(f"picture {number}", seed=number, num_inference_steps=3) for number in range(3)]


class Elementwise(Convolutions):
    """Its forwards treat every row alike, with a value more for each row of the forward where it is `uneven`."""

    uneven = 0.0

    def unet(self, latents: Any, timesteps: Any, conditions: Conditions) -> Any:
        self.forwards.append(len(latents))
        told = conditions.embeddings.abs().amax(dim=(1, 2)) + torch.sin(timesteps)
        return latents * 0.5 + told[:, None, None, None] + self.uneven * len(latents)


class Uneven(Elementwise):
    uneven = 0.01


def paint(pipeline: Convolutions, *crowd: GenerationRequest, stepper: Stepper | None = None) -> list[Pixels]:
    stepper = stepper or Stepper(Forwards())
    futures = [stepper.join(pipeline, request, request.seed) for request in crowd]
    stepper.run()
    assert all(future.result().exact and future.result().rows == 2 for future in futures)
    return [future.result().pixels for future in futures]


def alone(pipeline: Convolutions) -> list[Pixels]:
    return [paint(pipeline, request)[0] for request in CROWD]


def test_the_first_large_forward_is_made_both_ways_and_where_they_agree_the_others_are_large() -> None:
    pipeline = Elementwise()
    crowd = paint(pipeline, *CROWD)
    assert pipeline.forwards == [2, 2, 2, 6, 6, 6]
    assert np.array_equal(crowd, alone(Elementwise()))


def test_where_they_disagree_everybody_still_gets_the_pixels_that_they_get_alone() -> None:
    pipeline = Uneven()
    crowd = paint(pipeline, *CROWD)
    assert pipeline.forwards == [2, 2, 2, 6] + [2] * 6
    assert np.array_equal(crowd, alone(Uneven()))
    assert not np.array_equal(crowd, alone(Elementwise()))


def test_two_people_have_a_forward_of_their_four_rows() -> None:
    for pipeline in (Elementwise(), Uneven()):
        assert np.array_equal(paint(pipeline, *CROWD[:2]), alone(type(pipeline)())[:2])
        assert pipeline.forwards[:3] == [2, 2, 4]


def test_what_is_known_of_a_model_is_known_for_later_pictures_but_not_of_another_model_or_size() -> None:
    pipeline, stepper = Elementwise(), Stepper(Forwards())
    paint(pipeline, *CROWD, stepper=stepper)
    pipeline.forwards.clear()
    paint(pipeline, *CROWD, stepper=stepper)
    assert pipeline.forwards == [6] * 3
    other = Elementwise()
    paint(other, *CROWD, stepper=stepper)
    assert other.forwards[:2] == [2, 2]
    pipeline.forwards.clear()
    paint(pipeline, *(ask(request.prompt, seed=request.seed, width=128) for request in CROWD), stepper=stepper)
    assert pipeline.forwards[:2] == [2, 2]


@pytest.mark.parametrize("rows", range(1, 9))
def test_a_layer_of_one_vector_a_row_gives_each_its_bits_however_many_there_are(rows: int) -> None:
    layer = torch.nn.Linear(512, 256)
    vectors = torch.randn(VECTORS, 512, generator=torch.Generator().manual_seed(0))
    wanted = layer(vectors)
    steady(torch.nn.ModuleList([layer]))
    assert torch.equal(layer(vectors[:rows]), wanted[:rows])
    words = vectors[:rows, None].repeat(1, 7, 1)
    assert layer(words).shape == (rows, 7, 256)


@pytest.mark.parametrize("activation", ["silu", "gelu"])
def test_an_activation_gives_each_row_its_bits_however_many_there_are(activation: str) -> None:
    rows = torch.randn((8, 331, 17), generator=torch.Generator().manual_seed(0))  # no share is a multiple of a vector
    network = torch.nn.SiLU() if activation == "silu" else GEGLU(17, 17)
    steady(torch.nn.ModuleList([network]))
    activate = network if activation == "silu" else network.gelu
    wanted = activate(rows)
    assert wanted.shape == rows.shape
    for count in range(1, 8):
        assert torch.equal(activate(rows[:count]), wanted[:count])
