"""The device that paints: which one, its numbers, its memory. Imported on the worker's side only."""

from __future__ import annotations

import contextlib
import gc
import os
import re
from collections.abc import Iterator

import torch

from engine.config import EngineConfig
from engine.errors import ConfigError
from engine.painting import NoMemory

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def choose_device(config: EngineConfig) -> tuple[torch.device, torch.dtype]:
    """The device and the numbers it counts in: bf16 where a GPU has it, fp16 where not, fp32 on a CPU."""
    has_mps = torch.backends.mps.is_available()
    kind = config.device
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if (kind == "cuda" and not torch.cuda.is_available()) or (kind == "mps" and not has_mps):
        raise ConfigError(f"engine.device is {kind!r}, but PyTorch finds no such device on this machine.")
    if config.dtype != "auto":
        return torch.device(kind), DTYPES[config.dtype]
    if kind == "cuda":
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.device(kind), torch.bfloat16 if has_bf16 else torch.float16
    return torch.device(kind), torch.float16 if kind == "mps" else torch.float32


def device_name(device: torch.device, dtype: torch.dtype) -> str:
    """As people read it: "NVIDIA H100 (bf16)"."""
    kind = next(name for name, known in DTYPES.items() if known == dtype)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    return f"{name} ({kind})"


def threads_sleep() -> bool:
    """Whether a CPU's threads sleep while they wait for each other, as a worker has it set before it imports torch."""
    return os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"


def memory(device: torch.device) -> tuple[int | None, int | None]:
    """(used, total) in bytes, None where the device does not tell. A CPU's is the machine's memory."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total - free, total
    if device.type == "mps":
        return torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory()
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return None, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None, None


def free_memory() -> None:
    """Gives freed blocks back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def ran_out(error: Exception) -> bool:
    """Whether the error is one of the ways in which memory runs out: each device has its own."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and re.search("out of memory|can't allocate memory", str(error)) is not None


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Turns every way of running out of memory into NoMemory."""
    try:
        yield
        return
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
    # Outside of the handlers: the error's traceback held the tensors that are to be freed.
    free_memory()
    raise NoMemory
