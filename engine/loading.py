"""Diffusers, behind the seam of `engine.painting`: how models get to the device, from folders, files and the hub."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from engine import download, hub
from engine.catalog import Family, ModelSpec
from engine.config import EngineConfig
from engine.device import choose_device, device_name, memory, memory_errors, ran_out
from engine.errors import ModelUnavailable
from engine.forwards import Forwards
from engine.painting import Report, ShouldStop, Stopped
from engine.pipelines import DiffusersPipeline, UnetPipeline

log = logging.getLogger("engine.worker")

SINGLE_FILE: dict[Family, Any] = {
    Family.SD1: diffusers.StableDiffusionPipeline,
    Family.SD2: diffusers.StableDiffusionPipeline,
    Family.SDXL: diffusers.StableDiffusionXLPipeline,
}
UNET_PIPELINES = (diffusers.StableDiffusionPipeline, diffusers.StableDiffusionXLPipeline)


class Diffusers:
    """The backend: the device of this machine, and models from folders, files and the hub."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        for library in (diffusers.utils.logging, transformers.utils.logging):
            library.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()  # else it speaks of image processors that nobody uses
        self._device, self._dtype = choose_device(config)
        self.device = device_name(self._device, self._dtype)

    def estimate(self, spec: ModelSpec) -> int:
        """Of the weights in the numbers that this device counts in, which may be others than those on the disk."""
        place = hub.snapshot(spec, self._config.models_dir)
        try:
            if place is None or place.is_file():
                parts = [[place]] if place else []
            else:
                parts = [[place / file for file in part.weights] for part in hub.plan_folder(place, spec.variant)]
            numbers = [sum(map(_numbers, files)) for files in parts]
        except (hub.Incomplete, OSError, ValueError, SafetensorError):
            numbers = []  # it is downloaded first, or says what is wrong with it when it is loaded
        if not numbers:
            return spec.size_bytes or 0
        return (max(numbers) if self._config.cpu_offload else sum(numbers)) * self._dtype.itemsize

    def memory(self) -> tuple[int | None, int | None]:
        return memory(self._device)

    def forwards(self) -> Forwards:
        return Forwards()

    def last_words(self) -> str:
        if self._device.type == "cpu":
            return "Try a smaller size or a smaller model, or close other programs."
        return "Try a smaller size, a smaller model, or cpu_offload = true under [engine] in config.toml."

    def load(self, spec: ModelSpec, report: Report, should_stop: ShouldStop) -> DiffusersPipeline:
        place = download.fetch(spec, self._config.models_dir, report, should_stop)
        with memory_errors():
            if place.is_file():
                pipe = self._load_file(spec, place, report)
            else:
                pipe = self._load_folder(spec, place, report, should_stop)
            if self._dtype == torch.float16 and getattr(pipe, "vae", None) is not None:
                _upcast_decoding(pipe.vae)
            report(0.95, "Moving to the device")
            if not isinstance(pipe, UNET_PIPELINES):
                return DiffusersPipeline(spec, pipe, self._device, self._config)
            pipeline = UnetPipeline(spec, pipe, self._device, self._config)
            if self._config.compile and self._device.type == "cuda" and not pipeline.offloaded:
                report(None, "Compiling")
                pipeline.compile()
            return pipeline

    def _load_folder(self, spec: ModelSpec, folder: Path, report: Report, should_stop: ShouldStop) -> Any:
        """Part by part, so that people see how far it is, and which part is broken."""
        try:
            index = hub.read_index(folder)
            components = hub.plan_folder(folder, spec.variant)
        except hub.Incomplete as problem:
            raise ModelUnavailable(spec.key, f"{problem}.", detail=f"It is kept in {folder}.") from None
        heavy = [component for component in components if component.weights]
        sizes = [sum((folder / file).stat().st_size for file in component.weights) for component in heavy]
        parts: dict[str, Any] = dict.fromkeys(hub.UNUSED & index.keys())
        if "safety_checker" in index:
            parts["requires_safety_checker"] = False
        for number, component in enumerate(heavy):
            if should_stop():
                raise Stopped
            report(0.9 * sum(sizes[:number]) / sum(sizes), f"Loading {component.name}")
            parts[component.name] = self._load_part(spec, folder, component)
        with _as_unavailable(spec, "its pipeline"):
            return _kind(index).from_pretrained(
                folder, dtype=self._dtype, use_safetensors=True, local_files_only=True, **parts
            )

    def _load_part(self, spec: ModelSpec, folder: Path, component: hub.Component) -> Any:
        if component.library not in ("diffusers", "transformers"):
            reason = f"its {component.name} needs code of its own ({component.library}), which is not run."
            raise ModelUnavailable(spec.key, reason, "Choose another model.")
        kind = getattr(importlib.import_module(component.library), component.class_name, None)
        if kind is None:
            reason = f"this version of {component.library} has no {component.class_name}."
            raise ModelUnavailable(spec.key, reason, "Update Easel.")
        with _as_unavailable(spec, f"its {component.name}"):
            return kind.from_pretrained(
                folder / component.name,
                dtype=self._dtype,
                variant=component.variant,
                use_safetensors=True,
                local_files_only=True,
            )

    def _load_file(self, spec: ModelSpec, file: Path, report: Report) -> Any:
        kind = SINGLE_FILE.get(spec.family)
        if kind is None:
            hint = "Set its family in config.toml: sd1, sd2 or sdxl."
            raise ModelUnavailable(spec.key, "a single file does not say how it is run.", hint)
        report(None, f"Loading {file.name}")
        options: dict[str, Any] = {} if spec.family is Family.SDXL else {"safety_checker": None}
        try:
            with _as_unavailable(spec, file.name):
                return kind.from_single_file(
                    str(file), config=spec.base, dtype=self._dtype, cache_dir=self._config.models_dir, **options
                )
        except LocalEntryNotFoundError as error:
            reason = "a single file has only weights; its settings are on the hub, which cannot be reached."
            hint = "Check the network, or set its base in config.toml to the folder of a model of the same kind."
            raise ModelUnavailable(spec.key, reason, hint) from error


def _kind(index: dict[str, Any]) -> Any:
    """What loads a pipeline: diffusers' own choice among those that it knows to paint from text, or the class itself.

    Diffusers' table of such classes lacks some of them; it finds the right one for folders of their sisters, such as
    those that paint over pictures.
    """
    kind = getattr(diffusers, str(index.get("_class_name")), None)
    if kind is None or kind in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values():
        return diffusers.AutoPipelineForText2Image
    asked = inspect.signature(kind.__call__).parameters.keys()
    words, pictures = {"prompt", "width", "height", "num_inference_steps"}, {"image", "video", "num_frames"}
    return kind if words <= asked and not pictures & asked else diffusers.AutoPipelineForText2Image


@functools.lru_cache(1000)
def _numbers(file: Path) -> int:
    """How many there are in a file of weights; asked for as often as a model waits for room."""
    with safe_open(file, "pt") as weights:
        return sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118


@contextlib.contextmanager
def _as_unavailable(spec: ModelSpec, what: str) -> Iterator[None]:
    """Whatever a library says of files that do not fit becomes one sentence; running out of memory stays what it is."""
    try:
        yield
    except Exception as error:
        if ran_out(error) or isinstance(error, LocalEntryNotFoundError):
            raise
        log.warning("loading %s of %s failed", what, spec.key, exc_info=True)
        said = str(error).strip().splitlines() or [type(error).__name__]
        hint = "Its files may be cut short: delete them and load it again."
        raise ModelUnavailable(spec.key, f"{what} cannot be loaded.", hint, said[0][:200]) from None


def _upcast_decoding(vae: Any) -> None:
    """The autoencoders overflow in half precision: this one stays in fp32, whatever it is given."""
    vae.to(torch.float32)
    decode = vae.decode
    vae.decode = functools.wraps(decode)(lambda latents, *args, **kwargs: decode(latents.float(), *args, **kwargs))
