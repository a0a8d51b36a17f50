"""Everything that paints and records, opened one on top of the other: what bot, shell and service share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from engine.catalog import Catalog
from engine.config import Settings
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.local import LocalEngine
from engine.types import Engine, Origin

API_KEY = "EASEL_API_KEY"
"""The environment's name for the key of the image service that paints for this Easel."""


@dataclass(frozen=True, slots=True)
class House:
    catalog: Catalog
    ledger: Ledger
    engine: Engine
    dispatcher: Dispatcher


@asynccontextmanager
async def opened(
    settings: Settings, *, drain_s: float, around: Callable[[Engine], Engine] = lambda engine: engine
) -> AsyncIterator[House]:
    """Closed in the opposite order; running jobs have `drain_s` seconds to finish then. `around` wraps the engine.

    Raises LedgerBusy, LedgerTooNew, LedgerBroken and ConfigError.
    """
    catalog, storage = settings.catalog(), settings.storage
    async with (
        Ledger.open(storage.data_dir) as ledger,
        _painting(settings, catalog, ledger) as inner,
        Dispatcher(
            ledger,
            engine := around(inner),
            catalog,
            max_attempts=settings.engine.max_attempts,
            min_free_bytes=storage.min_free_mb * 1_000_000,
            keep_days=storage.keep_days,
            keep_bytes=int(storage.keep_gb * 1e9) if storage.keep_gb else None,
            drain_s=drain_s,
        ) as dispatcher,
    ):
        yield House(catalog, ledger, engine, dispatcher)


def _painting(settings: Settings, catalog: Catalog, ledger: Ledger) -> AbstractAsyncContextManager[Engine]:
    if not settings.engine.url:
        return LocalEngine(settings.engine, catalog)

    from engine.remote import RemoteEngine  # with an HTTP client that nobody else of the shell needs

    async def whose(id: int) -> Origin:
        return (await ledger.get(id)).origin

    return RemoteEngine(settings.engine.url, whose, key=os.environ.get(API_KEY, "").strip() or None)
