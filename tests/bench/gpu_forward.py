"""G1 and G3: one forward of the UNet by rows, and one decode, each in every way it can be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.latents import to_pixels
from tests.bench import models
from tests.bench.models import Kind
from tests.bench.rig import Report, Rig

BUCKETS = (("sdxl", 2), ("turbo", 2), ("sd15", 4), ("sdxl", 4))
"""Models and rows: the engine's own choices first."""
OTHERS = (("sd15", 2), ("sd15", 8), ("turbo", 1), ("turbo", 4), ("turbo", 8))
"""Not compiled: what other buckets would be worth."""


def matmul_peak(rig: Rig) -> float:
    """TFLOP/s of a large product on random numbers: what the device can really do."""
    side = 8192 if rig.device.type == "cuda" else 256
    one, other = (torch.randn((side, side), device=rig.device, dtype=rig.dtype) for _ in range(2))
    took = rig.compare({"product": lambda: one @ other}, rounds=5, repeats=10)["product"]
    return 2 * side**3 / took / 1e9


def g1(rig: Rig, report: Report) -> None:
    """The UNet's milliseconds for each bucket: eager, compiled, as a graph; and its share of the matmul peak."""
    peak = matmul_peak(rig)
    report |= {"goal": 0.5, "unit": "share of the measured matmul peak at SDXL 1024²", "peak_tflops": round(peak, 1)}
    arms = report["arms"] = {}
    for name, count in (*BUCKETS, *OTHERS):
        kind = rig.kinds[name]
        with torch.inference_mode():
            ways, tflop, differs = unet_ways(rig, kind, count, compile=rig.compile and (name, count) in BUCKETS)
            took = rig.compare(ways, rounds=7, repeats=8 if name == "sdxl" else 20, limit=8)
        best = min(took, key=lambda way: took[way])
        arms[f"{name}, {count} rows"] = {
            "ms": {way: round(milliseconds, 3) for way, milliseconds in took.items()},
            "tflop": round(tflop, 4),
            "share_of_peak": {way: round(tflop / (each / 1000) / peak, 3) for way, each in took.items()},
            "best": best,
            "compiled_differs_by": differs,
        }
        shares = [arm["share_of_peak"][arm["best"]] for place, arm in arms.items() if place.startswith("sdxl, 2")]
        report |= {"figure": shares[0], "met": shares[0] >= 0.5}


def unet_ways(rig: Rig, kind: Kind, count: int, *, compile: bool) -> tuple[dict[str, Callable[[], Any]], float, float]:
    """The forward in each way, its arithmetic, and how far the compiled one's numbers are from the eager one's."""
    unet = rig.plain(kind, rig.dtype, channels_last=True).unet
    arguments, options = rig.rows(kind, count)
    with FlopCounterMode(display=False) as counter:
        eager = unet(*arguments, **options)[0]
    ways: dict[str, Callable[[], Any]] = {"eager": lambda: unet(*arguments, **options)}
    differs = 0.0
    if rig.device.type == "cuda":
        ways["graph of eager"] = captured(ways["eager"])
    if compile:
        compiled = rig.compiled(unet)
        ways["compiled"] = lambda: compiled(*arguments, **options)
        other = compiled(*arguments, **options)[0]
        differs = float((other.float() - eager.float()).norm() / eager.float().norm())
    if compile and rig.device.type == "cuda":
        ways["graph of compiled"] = captured(ways["compiled"])
    return ways, counter.get_total_flops() / 1e12, round(differs, 5)


def captured(work: Callable[[], object]) -> Callable[[], None]:
    """The work's kernels as one CUDA graph, on the memory it has now."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def g3(rig: Rig, report: Report) -> None:
    """A decode's milliseconds: in fp16 with SDXL's upcast, in bf16, in bf16 compiled, and by a tiny autoencoder."""
    report |= {"goal": None, "unit": "fp16 with its upcast ÷ bf16 as the engine decodes, at 1024²"}
    arms = report["arms"] = {}
    small = models.tiny_vae(rig.device, rig.dtype).to(memory_format=torch.channels_last)
    half = torch.float16 if rig.device.type == "cuda" else torch.float32
    for name in ("sdxl", "sd15"):
        kind = rig.kinds[name]
        upcast = models.vae(kind).to(rig.device, torch.float32).eval()
        models.randomize(upcast, seed=1)
        bf16 = rig.plain(kind, rig.dtype, channels_last=True).vae
        side = kind.pixels // 8
        with torch.inference_mode():
            latents = torch.randn((1, 4, side, side), device=rig.device)

            def whole(vae: Any, latents: torch.Tensor = latents) -> Callable[[], object]:
                return lambda: vae.decode(latents.to(next(vae.parameters()).dtype), return_dict=False)[0]

            ways = {"fp32 (fp16's upcast)": whole(upcast), "bf16": whole(bf16), "tiny autoencoder": whole(small)}
            if name == "sd15":
                plain = models.vae(kind).to(rig.device, half).eval()
                models.randomize(plain, seed=1)
                ways["fp16"] = whole(plain)
            if rig.compile:
                decode = rig.compiled(bf16.decoder)
                scaled = latents.to(rig.dtype).contiguous()
                ways["bf16 compiled"] = lambda decode=decode, scaled=scaled: decode(scaled)  # type: ignore[misc]
            ours = rig.ours(kind)
            ways["engine, to bytes"] = lambda ours=ours, latents=latents: ours.decode(latents)  # type: ignore[misc]
            took = rig.compare(ways, rounds=5, repeats=3, limit=8)
            host = rig.compare(
                {"to bytes": lambda latents=latents: to_pixels(latents[0, :3])}, rounds=3, repeats=3, limit=1
            )
        arms[f"{name} {kind.pixels}²"] = {"ms": {way: round(each, 3) for way, each in took.items()}}
        arms[f"{name} {kind.pixels}²"]["ms"]["to bytes alone"] = round(host["to bytes"], 3)
        if name == "sdxl":
            report["figure"] = round(took["fp32 (fp16's upcast)"] / took["engine, to bytes"], 2)
            report["met"] = None
