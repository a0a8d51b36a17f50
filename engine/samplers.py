"""Each sampler as a table of coefficients, so that pictures with different ones share a forward. Pure; no torch.

With x the latents, `eps` what the network predicts for `c_in · x` at a timestep, z fresh noise, and m the picture as it
will be as far as this step can tell, every step is

    x' = a·x + b·eps + c·m_prev + d·z        m = e·x + f·eps

Sigmas are those of Karras et al. (https://arxiv.org/abs/2206.00364): x / sqrt(1 + sigma²) has the variance that the
network was trained on. Where a noise schedule does something that does not fit this form, there is no table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.catalog import Family, ModelSpec
from engine.types import Sampler

Column = NDArray[np.float64]

RHO = 7.0
"""Of Karras et al., equation 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One value a step, in each column."""

    timesteps: Column
    c_in: Column
    a: Column
    b: Column
    c: Column
    d: Column
    e: Column
    f: Column
    init_noise_sigma: float
    """What the first noise is multiplied by."""
    stochastic: bool = False
    """Whether there is noise in the steps."""


def table(sampler: Sampler, steps: int, schedule: Mapping[str, Any], *, trailing: bool = False) -> Table | None:
    """The table of a sampler on the noise schedule of that configuration; None where it has none.

    `schedule` has the keys of diffusers' schedulers. `trailing`: the last timestep is among the steps whatever the
    schedule says (https://arxiv.org/abs/2305.08891, section 3.3).
    """
    make = _MAKERS.get(sampler)
    if make is None or "beta_schedule" not in schedule:
        return None
    if any(schedule.get(key, known[0]) not in known for key, known in _KNOWN.items()):
        return None
    spacing = "trailing" if trailing else schedule.get("timestep_spacing", _SPACINGS.get(sampler, "linspace"))
    return make(_Schedule(schedule), steps, spacing)


def stepped(schedule: Mapping[str, Any], *, trailing: bool = False) -> tuple[Sampler, ...]:
    """The samplers that have a table on that noise schedule; the others go through diffusers' own schedulers."""
    return tuple(sampler for sampler in Sampler if table(sampler, 4, schedule, trailing=trailing) is not None)


def choosable(schedule: Mapping[str, Any]) -> bool:
    """Whether diffusers' schedulers can paint on it, and so every sampler. Flow matching has one of its own."""
    return "beta_schedule" in schedule and schedule.get("prediction_type", "epsilon") in _PREDICTIONS


@dataclass(frozen=True, slots=True)
class Ways:
    """How a model paints with which samplers. Where both are empty it has its own way, whatever sampler is chosen."""

    stepped: tuple[Sampler, ...]
    """Step by step, in forwards that are shared with other people's pictures."""
    called: tuple[Sampler, ...]
    """Through diffusers' own call and scheduler."""


def ways(spec: ModelSpec, schedule: Mapping[str, Any] | None) -> Ways | None:
    """`schedule` is the one on this disk; None where there is none, and so is the answer unless the catalogue knows."""
    allowed = spec.ranges.samplers
    if spec.family is Family.OTHER:
        if len(allowed) < len(Sampler) or (schedule is not None and choosable(schedule)):
            return Ways((), allowed)
        return None if schedule is None else Ways((), ())
    if schedule is None:
        return None
    fitting = stepped(schedule, trailing=not spec.guidable)
    return Ways(
        tuple(sampler for sampler in allowed if sampler in fitting),
        tuple(sampler for sampler in allowed if sampler not in fitting),
    )


_PREDICTIONS = ("epsilon", "v_prediction", "sample")
"""What a network can predict on a noise schedule, as diffusers names it."""

_KNOWN: dict[str, tuple[object, ...]] = {
    "beta_schedule": ("linear", "scaled_linear"),
    "prediction_type": ("epsilon", "v_prediction"),
    "trained_betas": (None,),
    "rescale_betas_zero_snr": (False,),
    "thresholding": (False,),
    "use_exponential_sigmas": (False, None),
    "use_beta_sigmas": (False, None),
    "use_lu_lambdas": (False, None),
    "use_flow_sigmas": (False, None),
    "interpolation_type": ("linear",),
    "final_sigmas_type": ("zero",),
    "timestep_type": ("discrete",),
    "solver_order": (2,),
    "solver_type": ("midpoint",),
    "lambda_min_clipped": (-np.inf,),
}
"""What a configuration may say and still have a table; the first is what it says where it says nothing."""

_SPACINGS = {Sampler.DDIM: "leading"}
"""Where a configuration names none: diffusers' own defaults."""


class _Schedule:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.length = int(config.get("num_train_timesteps", 1000))
        first, last = config.get("beta_start", 0.0001), config.get("beta_end", 0.02)
        if config["beta_schedule"] == "scaled_linear":
            betas = np.linspace(first**0.5, last**0.5, self.length) ** 2
        else:
            betas = np.linspace(first, last, self.length)
        self.alphas = np.cumprod(1 - betas)
        self.sigmas = ((1 - self.alphas) / self.alphas) ** 0.5
        self.offset = int(config.get("steps_offset", 0))

    def predicted(self, alpha: Column, sigma: Column) -> tuple[Column, Column]:
        """The clean picture as e·x + f·eps, of x = alpha·clean + sigma·noise with alpha² + sigma² = 1."""
        if self.config.get("prediction_type", "epsilon") == "v_prediction":
            return alpha, -sigma
        return 1 / alpha, -sigma / alpha

    def timesteps(self, steps: int, spacing: str, *, spare: int = 0) -> Column:
        """From noise to picture. `spare` 1: as if there were a step more, which is left out."""
        if spacing == "trailing":
            return np.arange(self.length, 0, -self.length / steps).round() - 1
        if spacing == "leading":
            ratio = self.length // (steps + spare)
            return (np.arange(steps + spare) * ratio).astype(np.float64)[::-1][:steps] + self.offset
        return np.linspace(0, self.length - 1, steps + spare)[::-1][:steps]


def _ddim(schedule: _Schedule, steps: int, spacing: str) -> Table | None:
    """https://arxiv.org/abs/2010.02502, equation 12 with sigma = 0 (which is eta = 0 in equation 16)."""
    if schedule.config.get("clip_sample", True):
        return None
    now = schedule.timesteps(steps, spacing).round().astype(int)
    before = now - schedule.length // steps
    last = 1.0 if schedule.config.get("set_alpha_to_one", True) else schedule.alphas[0]
    alpha, sigma = schedule.alphas[now] ** 0.5, (1 - schedule.alphas[now]) ** 0.5
    next_alphas = np.where(before >= 0, schedule.alphas[before], last)
    next_alpha, next_sigma = next_alphas**0.5, (1 - next_alphas) ** 0.5
    e, f = schedule.predicted(alpha, sigma)
    # The direction to the next x is the noise: (x - alpha·m) / sigma.
    turn = next_sigma / sigma
    zero = np.zeros(steps)
    return Table(
        timesteps=now.astype(float),
        c_in=zero + 1,
        a=turn + (next_alpha - turn * alpha) * e,
        b=(next_alpha - turn * alpha) * f,
        c=zero,
        d=zero,
        e=e,
        f=f,
        init_noise_sigma=1.0,
    )


def _euler(schedule: _Schedule, steps: int, spacing: str, ancestral: bool = False) -> Table | None:
    """https://arxiv.org/abs/2206.00364, algorithm 1 without its second-order correction (lines 6 to 8).

    Ancestral, "Euler a": https://arxiv.org/abs/2011.13456, equation 47. Each step goes on below the next sigma, to
    `down`, and noise of `up` brings it back: down² + up² = lower², down = lower² / sigma.

    Here x is not scaled to unit variance: x = clean + sigma·noise.
    """
    if schedule.config.get("use_karras_sigmas") and not ancestral:
        return None
    now = schedule.timesteps(steps, spacing)
    sigma = np.interp(now, np.arange(schedule.length), schedule.sigmas)
    lower = np.append(sigma[1:], 0.0)
    up = (lower**2 * (sigma**2 - lower**2) / sigma**2) ** 0.5 if ancestral else np.zeros(steps)
    down = (lower**2 - up**2) ** 0.5
    unit = (1 + sigma**2) ** 0.5
    e, f = schedule.predicted(1 / unit, sigma / unit)
    e = e / unit
    turn = down / sigma  # x' = m + down · (x - m) / sigma
    peak = float(sigma.max())
    return Table(
        timesteps=now,
        c_in=1 / unit,
        a=turn + (1 - turn) * e,
        b=(1 - turn) * f,
        c=np.zeros(steps),
        d=up,
        e=e,
        f=f,
        init_noise_sigma=(peak**2 + 1) ** 0.5 if spacing == "leading" else peak,
        stochastic=ancestral,
    )


def _dpmpp(schedule: _Schedule, steps: int, spacing: str, karras: bool = False, sde: bool = False) -> Table:
    """https://arxiv.org/abs/2211.01095: DPM-Solver++(2M) is its algorithm 2, with `sde` SDE-DPM-Solver++(2M).

    Karras: the sigmas of https://arxiv.org/abs/2206.00364, equation 5.
    """
    now = schedule.timesteps(steps, spacing, spare=1).round()
    sigma = np.interp(now, np.arange(schedule.length), schedule.sigmas)
    if karras:
        high, low = schedule.sigmas[-1] ** (1 / RHO), schedule.sigmas[0] ** (1 / RHO)
        sigma = (high + np.linspace(0, 1, steps) * (low - high)) ** RHO
        now = np.interp(np.log(sigma), np.log(schedule.sigmas), np.arange(schedule.length)).round()
    alpha = (1 + sigma**2) ** -0.5
    scaled = sigma * alpha
    e, f = schedule.predicted(alpha, scaled)
    lower = np.append(sigma[1:], 0.0)
    next_alpha = (1 + lower**2) ** -0.5
    shrink = lower / sigma  # exp(-h), h being the step in log(alpha / sigma)
    keep = next_alpha * lower / scaled * (shrink if sde else 1)
    take = next_alpha * (1 - shrink ** (2 if sde else 1))
    # The first step has no other before it, and the last, to no noise at all, is of first order too.
    half = np.zeros(steps)
    h = -np.log(shrink[:-1])
    half[1:-1] = 0.5 * h[1:] / h[:-1]
    return Table(
        timesteps=now,
        c_in=np.ones(steps),
        a=keep + take * (1 + half) * e,
        b=take * (1 + half) * f,
        c=-take * half,
        d=next_alpha * lower * (1 - shrink**2) ** 0.5 if sde else np.zeros(steps),
        e=e,
        f=f,
        init_noise_sigma=1.0,
        stochastic=sde,
    )


def _lcm(schedule: _Schedule, steps: int, spacing: str) -> Table | None:
    """https://arxiv.org/abs/2310.04378, algorithm 3: straight to the picture, then noise again for the next step."""
    taught = int(schedule.config.get("original_inference_steps", 50))
    if steps > taught or schedule.config.get("clip_sample", False):
        return None
    every = (np.arange(1, taught + 1) * (schedule.length // taught) - 1)[::-1]
    now = every[np.floor(np.linspace(0, taught, steps, endpoint=False)).astype(int)]
    alpha, sigma = schedule.alphas[now] ** 0.5, (1 - schedule.alphas[now]) ** 0.5
    # A consistency model's answer at time zero is the picture it was given: the skip connection that sees to it is
    # equation 5 of https://arxiv.org/abs/2303.01469, with a sigma of the data of 0.5.
    time = now * float(schedule.config.get("timestep_scaling", 10.0))
    skip, out = 0.25 / (time**2 + 0.25), time / (time**2 + 0.25) ** 0.5
    e, f = schedule.predicted(alpha, sigma)
    e, f = out * e + skip, out * f
    next_alpha, next_sigma = np.append(alpha[1:], 1.0), np.append(sigma[1:], 0.0)
    return Table(
        timesteps=now.astype(float),
        c_in=np.ones(steps),
        a=next_alpha * e,
        b=next_alpha * f,
        c=np.zeros(steps),
        d=next_sigma,
        e=e,
        f=f,
        init_noise_sigma=1.0,
        stochastic=True,
    )


_MAKERS: dict[Sampler, Callable[[_Schedule, int, str], Table | None]] = {
    Sampler.DDIM: _ddim,
    Sampler.EULER: _euler,
    Sampler.EULER_A: lambda schedule, steps, spacing: _euler(schedule, steps, spacing, ancestral=True),
    Sampler.DPMPP_2M: _dpmpp,
    Sampler.DPMPP_2M_KARRAS: lambda schedule, steps, spacing: _dpmpp(schedule, steps, spacing, karras=True),
    Sampler.LCM: _lcm,
    Sampler.DPMPP_2M_SDE: lambda schedule, steps, spacing: _dpmpp(schedule, steps, spacing, sde=True),
}
