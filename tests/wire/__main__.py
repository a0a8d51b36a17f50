"""A WireDiscord as a process of its own: `python -m tests.wire --port 8099 [--script people.py]`.

Without a script it makes one server with one member and waits. A script is a Python file with
`async def main(discord): ...`; when it returns, the process ends, with 1 if the client broke Discord's rules.
"""

from __future__ import annotations

import argparse
import asyncio
import runpy
import sys

from tests.wire.server import WireDiscord


async def serve(port: int, shards: int, script: str | None) -> int:
    async with WireDiscord(port=port, shards=shards) as discord:
        sys.stdout.write(f"{discord.url} token {discord.token}\n")
        sys.stdout.flush()
        if script is None:
            guild = discord.add_guild("A server")
            discord.add_member(guild, "Ada")
            await asyncio.Event().wait()
        else:
            await runpy.run_path(script)["main"](discord)
        for violation in discord.judge.violations:
            sys.stderr.write(f"{violation}\n")
        return int(bool(discord.judge.violations))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--script", default=None)
    options = parser.parse_args()
    try:
        sys.exit(asyncio.run(serve(options.port, options.shards, options.script)))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
