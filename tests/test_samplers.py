"""Samplers as tables against diffusers' own schedulers, on a network that is a formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine.samplers import Table, table
from engine.types import Sampler

SD: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "clip_sample": False,
    "set_alpha_to_one": False,
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "Stable Diffusion 1.5": SD,
    "leading": SD | {"timestep_spacing": "leading"},
    "Turbo": SD | {"timestep_spacing": "trailing"},
    "v-prediction": SD | {"prediction_type": "v_prediction", "timestep_spacing": "leading"},
    "linear betas": SD | {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "set_alpha_to_one": True},
}
WITH_TABLES = [sampler for sampler in Sampler if table(sampler, 5, SD) is not None]


def test_the_samplers_that_people_use_most_have_tables() -> None:
    assert set(WITH_TABLES) >= {
        Sampler.DDIM,
        Sampler.EULER,
        Sampler.EULER_A,
        Sampler.DPMPP_2M,
        Sampler.DPMPP_2M_KARRAS,
        Sampler.DPMPP_2M_SDE,
        Sampler.LCM,
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 50])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("sampler", WITH_TABLES)
def test_a_table_goes_the_way_that_diffusers_scheduler_goes(sampler: Sampler, schedule: str, steps: int) -> None:
    """Closer than 1/255 of the range of latents, which is 8 or so; much closer where alphas are not tiny."""
    torch = pytest.importorskip("torch")
    from engine.schedulers import SCHEDULERS

    mixing = torch.randn((16, 16), generator=torch.Generator().manual_seed(0)) / 4

    def network(x: Any, timestep: float) -> Any:
        return torch.tanh(x @ mixing + math.sin(timestep / 70))

    kind, options = SCHEDULERS[sampler]
    scheduler = kind.from_config(SCHEDULES[schedule], **options)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(3)
    theirs = torch.randn((1, 16), generator=generator) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        predicted = network(scheduler.scale_model_input(theirs, timestep), float(timestep))
        theirs = scheduler.step(predicted, timestep, theirs, generator=generator).prev_sample

    ours = followed(table(sampler, steps, SCHEDULES[schedule]), network)
    assert (theirs - ours).abs().max() < (5e-3 if schedule == "linear betas" else 2e-4)


def followed(coefficients: Table | None, network: Any) -> Any:
    import torch

    assert coefficients is not None
    generator = torch.Generator().manual_seed(3)
    x = torch.randn((1, 16), generator=generator).double() * coefficients.init_noise_sigma
    m = torch.zeros_like(x)
    for step, timestep in enumerate(coefficients.timesteps):
        a, b, c, d, e, f = (getattr(coefficients, name)[step] for name in "abcdef")
        predicted = network((coefficients.c_in[step] * x).float(), float(timestep))
        z = torch.randn((1, 16), generator=generator) if coefficients.stochastic and d else torch.zeros_like(x)
        x, m = a * x + b * predicted + c * m + d * z, e * x + f * predicted
    return x


@pytest.mark.parametrize("sampler", [each for each in WITH_TABLES if each is not Sampler.DPMPP_2M_KARRAS])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_with_the_true_noise_every_step_sees_the_true_picture(sampler: Sampler, schedule: str) -> None:
    """That is what previews are painted from. (The sigmas of Karras lie between timesteps.)"""
    coefficients = table(sampler, 8, SCHEDULES[schedule])
    assert coefficients is not None
    alphas = np.cumprod(1 - betas(SCHEDULES[schedule]))
    clean, noise = 0.7, -1.3
    for step, timestep in enumerate(coefficients.timesteps):
        at = np.interp(timestep, np.arange(1000), ((1 - alphas) / alphas) ** 0.5)
        alpha, sigma = 1 / (1 + at**2) ** 0.5, at / (1 + at**2) ** 0.5
        x = (alpha * clean + sigma * noise) / coefficients.c_in[step]
        velocity = SCHEDULES[schedule].get("prediction_type") == "v_prediction"
        predicted = alpha * noise - sigma * clean if velocity else noise
        seen = coefficients.e[step] * x + coefficients.f[step] * predicted
        assert seen == pytest.approx(clean, abs=1e-3 if sampler is Sampler.LCM else 1e-6)


def betas(schedule: dict[str, Any]) -> Any:
    first, last = schedule["beta_start"], schedule["beta_end"]
    if schedule["beta_schedule"] == "linear":
        return np.linspace(first, last, 1000)
    return np.linspace(first**0.5, last**0.5, 1000) ** 2


@pytest.mark.parametrize(
    "strange",
    [
        {"rescale_betas_zero_snr": True},
        {"thresholding": True},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"prediction_type": "sample"},
        {"trained_betas": [0.1]},
        {"solver_order": 3},
    ],
)
def test_a_schedule_that_does_something_else_has_no_table(strange: dict[str, Any]) -> None:
    assert all(table(sampler, 5, SD | strange) is None for sampler in Sampler)


def test_nor_has_what_has_no_noise_schedule_at_all() -> None:
    assert table(Sampler.EULER, 5, {"shift": 3.0}) is None


def test_ddim_that_clips_its_picture_has_no_table() -> None:
    assert table(Sampler.DDIM, 5, {key: value for key, value in SD.items() if key != "clip_sample"}) is None


def test_a_distilled_model_ends_at_the_last_timestep_whatever_its_schedule_says() -> None:
    coefficients = table(Sampler.EULER_A, 1, SD, trailing=True)
    assert coefficients is not None
    assert coefficients.timesteps.tolist() == [999]
