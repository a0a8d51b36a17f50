"""The engine: requests in, pictures out, everything recorded. Knows nothing of Discord.

    from engine import Catalog, EngineConfig, LocalEngine

    catalog = Catalog()
    async with LocalEngine(EngineConfig(), catalog) as engine:
        request = catalog.request("tiny", "a red apple on a white table", seed=7)
        async for event in engine.generate(1, request):
            ...  # Loading | Progress | Picture

Names are imported when they are first used: the worker and the shell do not pay for each other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.catalog import Catalog as Catalog
    from engine.catalog import ModelSpec as ModelSpec
    from engine.config import EngineConfig as EngineConfig
    from engine.config import Settings as Settings
    from engine.diffusion_service import DiffusionService as DiffusionService
    from engine.dispatch import Dispatcher as Dispatcher
    from engine.dispatch import Update as Update
    from engine.errors import EaselError as EaselError
    from engine.images import read_metadata as read_metadata
    from engine.images import read_request as read_request
    from engine.ledger import HistoryFilter as HistoryFilter
    from engine.ledger import Ledger as Ledger
    from engine.local import LocalEngine as LocalEngine
    from engine.remote import RemoteEngine as RemoteEngine
    from engine.types import Engine as Engine
    from engine.types import Generation as Generation
    from engine.types import GenerationRequest as GenerationRequest
    from engine.types import Loading as Loading
    from engine.types import Origin as Origin
    from engine.types import Picture as Picture
    from engine.types import Progress as Progress
    from engine.types import Sampler as Sampler
    from engine.types import Status as Status

_HOMES = {
    "catalog": ("Catalog", "ModelSpec"),
    "config": ("EngineConfig", "Settings"),
    "diffusion_service": ("DiffusionService",),
    "dispatch": ("Dispatcher", "Update"),
    "errors": ("EaselError",),
    "images": ("read_metadata", "read_request"),
    "ledger": ("HistoryFilter", "Ledger"),
    "local": ("LocalEngine",),
    "remote": ("RemoteEngine",),
    "types": (
        "Engine",
        "Generation",
        "GenerationRequest",
        "Loading",
        "Origin",
        "Picture",
        "Progress",
        "Sampler",
        "Status",
    ),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(importlib.import_module(f"engine.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
