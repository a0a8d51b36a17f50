"""Runs a program of ours, unchanged, against a WireDiscord: `python -m tests.wire.launch URL bot --config x.toml`.

With `--die-at module:Class.method:after:3` the process kills itself (SIGKILL) right before or after the third call
of that method (or function) returns, to be dead at exactly that point.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import itertools
import os
import runpy
import signal
import sys
from typing import Any

from tests.wire.server import pointed_at


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def set_trap(place: str) -> None:
    """`module:Class.method:before|after:count`, or `module:function:…`."""
    module, name, when, count = place.split(":")
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, last)
    calls = itertools.count(1)

    def now(moment: str, number: int) -> bool:
        return (moment, number) == (when, int(count))

    @functools.wraps(original)
    async def coroutine(*args: Any, **options: Any) -> Any:
        number = next(calls)
        if now("before", number):
            die()
        result = await original(*args, **options)
        if now("after", number):
            die()
        return result

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        number = next(calls)
        if now("before", number):
            die()
        result = original(*args, **options)
        if now("after", number):
            die()
        return result

    setattr(owner, last, coroutine if inspect.iscoroutinefunction(original) else function)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.wire.launch", description=__doc__)
    parser.add_argument("url", help="the address of the WireDiscord")
    parser.add_argument("module", help="what to run, as with python -m")
    parser.add_argument("--die-at", action="append", default=[])
    options, rest = parser.parse_known_args()
    with pointed_at(options.url):
        for place in options.die_at:
            set_trap(place)
        sys.argv = [options.module, *rest]
        runpy.run_module(options.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
