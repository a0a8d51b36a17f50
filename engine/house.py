"""Everything that paints and records, opened one on top of the other: what the bot and the shell share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.catalog import Catalog
from engine.config import Settings
from engine.dispatch import Dispatcher
from engine.ledger import Ledger
from engine.local import LocalEngine
from engine.types import Engine


@dataclass(frozen=True, slots=True)
class House:
    catalog: Catalog
    ledger: Ledger
    engine: Engine
    dispatcher: Dispatcher


@asynccontextmanager
async def opened(settings: Settings, *, drain_s: float) -> AsyncIterator[House]:
    """Closed in the opposite order; running jobs have `drain_s` seconds to finish then.

    Raises LedgerBusy, LedgerTooNew, LedgerBroken and ConfigError.
    """
    catalog, storage = settings.catalog(), settings.storage
    async with (
        Ledger.open(storage.data_dir) as ledger,
        LocalEngine(settings.engine, catalog) as engine,
        Dispatcher(
            ledger,
            engine,
            catalog,
            max_attempts=settings.engine.max_attempts,
            min_free_bytes=storage.min_free_mb * 1_000_000,
            keep_days=storage.keep_days,
            keep_bytes=int(storage.keep_gb * 1e9) if storage.keep_gb else None,
            drain_s=drain_s,
        ) as dispatcher,
    ):
        yield House(catalog, ledger, engine, dispatcher)
