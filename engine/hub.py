"""A model's files: which of a repository are wanted, what is on this disk, and fetching what is not.

Imports nothing heavy: the parent asks here what is on disk; the downloading itself happens in the worker.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalog import ModelSpec

INDEX = "model_index.json"
UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
"""Components of a pipeline that painting from text does without."""

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5", ".onnx", ".pb")
_SMALL = (".json", ".txt", ".model", ".jinja")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a pipeline: a folder beside `model_index.json`, and its files that are wanted."""

    name: str
    library: str
    class_name: str
    files: tuple[str, ...]
    variant: str | None = None

    @property
    def weights(self) -> tuple[str, ...]:
        return tuple(file for file in self.files if file.endswith(".safetensors"))


class Incomplete(Exception):
    """Files are missing; the message names what."""


def plan(names: Iterable[str], index: dict[str, Any], variant: str | None) -> list[Component]:
    """The components that a pipeline's index names, with their files out of `names` (paths in the repository).

    The variant's weights are taken where a component has them, the plain ones otherwise. Raises Incomplete where a
    component has neither, and where it has only formats that can run code.
    """
    names = list(names)
    components = []
    for name, value in index.items():
        if name.startswith("_") or name in UNUSED or not isinstance(value, list) or not all(value):
            continue
        inside = [file for file in names if file.startswith(f"{name}/") and file.count("/") == 1]
        small = [file for file in inside if file.endswith(_SMALL)]
        safe = [file for file in inside if file.endswith(".safetensors")]
        chosen = [file for file in safe if variant and re.search(rf"\.{re.escape(variant)}[.-]", _base(file))]
        used = variant if chosen else None
        chosen = chosen or [file for file in safe if re.fullmatch(r"[^.]+\.safetensors", _base(file))]
        if not inside:
            raise Incomplete(f"the folder {name} is missing")
        if not chosen and any(file.endswith(_WEIGHTS) for file in inside):
            raise Incomplete(f"{name} has no .safetensors weights (other formats can run code, and are not loaded)")
        if not chosen and f"{name}/config.json" in inside:
            raise Incomplete(f"the weights of {name} are missing")
        components.append(Component(name, str(value[0]), str(value[1]), (*small, *chosen), used))
    if not components:
        raise Incomplete(f"{INDEX} names no components")
    return components


def _base(file: str) -> str:
    return file.rpartition("/")[2]


def read_index(folder: Path) -> dict[str, Any]:
    """The folder's `model_index.json`; Incomplete where it is missing or does not parse."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Incomplete(f"{INDEX} is missing") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error  # its text would name the path
        raise Incomplete(f"{INDEX} cannot be read ({why})") from None
    if not isinstance(index, dict):
        raise Incomplete(f"{INDEX} is not an object")
    return index


def plan_folder(folder: Path, variant: str | None) -> list[Component]:
    """`plan` for a folder on this disk; also checks that every shard an index names is there."""
    index = read_index(folder)
    names = [file.relative_to(folder).as_posix() for file in folder.glob("*/*")]
    components = plan(names, index, variant)
    for component in components:
        for shard in _shards(folder, component):
            if not (folder / component.name / shard).is_file():
                raise Incomplete(f"{component.name}/{shard} is missing")
    return components


def _shards(folder: Path, component: Component) -> set[str]:
    """The weight files that the component's shard index names, if it has one for the chosen weights."""
    shards: set[str] = set()
    for file in component.files:
        if file.endswith(".json") and ".safetensors.index" in file:
            named = set(json.loads((folder / file).read_text(encoding="utf-8")).get("weight_map", {}).values())
            if any(f"{component.name}/{shard}" in component.weights for shard in named):
                shards |= named
    return shards


def is_local(repository: str) -> bool:
    """Whether it names a folder or file here. A hub repository is `owner/name`, and no such folder exists."""
    return (
        repository.endswith(".safetensors")
        or re.fullmatch(r"[\w.-]+/[\w.-]+", repository) is None
        or repository.startswith(".")
        or Path(repository).expanduser().exists()
    )


def cache_folder(models_dir: Path | None) -> Path:
    """Where downloads are kept."""
    if models_dir is not None:
        return models_dir.expanduser()
    from huggingface_hub import constants  # reads the environment when imported

    return Path(constants.HF_HUB_CACHE)


def snapshot(spec: ModelSpec, models_dir: Path | None) -> Path | None:
    """The folder (or file) of a model on this disk, None where there is none. It may be incomplete."""
    if is_local(spec.repository):
        local = Path(spec.repository).expanduser()
        return local if local.exists() else None
    repository = cache_folder(models_dir) / f"models--{spec.repository.replace('/', '--')}"
    revision = spec.revision or "main"
    reference = repository / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = repository / "snapshots" / commit
    return folder if folder.is_dir() else None


def size_on_disk(spec: ModelSpec, models_dir: Path | None) -> int | None:
    """The bytes of the model's wanted files; None unless all of them are here."""
    place = snapshot(spec, models_dir)
    if place is None:
        return None
    if place.is_file():
        return place.stat().st_size
    try:
        components = plan_folder(place, spec.variant)
    except (Incomplete, OSError, ValueError):
        return None
    return sum(os.stat(place / file).st_size for component in components for file in component.files)


def sizes_on_disk(specs: Iterable[ModelSpec], models_dir: Path | None) -> dict[str, int]:
    """By key, for those that are wholly here."""
    sizes = {spec.key: size_on_disk(spec, models_dir) for spec in specs}
    return {key: size for key, size in sizes.items() if size is not None}


def noise_schedule(spec: ModelSpec, models_dir: Path | None) -> dict[str, Any] | None:
    """The settings of the model's noise schedule; None where they are not on this disk, as beside a single file."""
    folder = snapshot(spec, models_dir)
    try:
        found = json.loads((folder / "scheduler" / "scheduler_config.json").read_text("utf-8")) if folder else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
