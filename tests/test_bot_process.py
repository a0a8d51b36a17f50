"""The bot as a process: small, quick to end, and leaving nobody behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import ROOT, sandbox_config, started

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")]


def alive(pid: int) -> bool:
    """A zombie is dead: only its parent's note of it is left."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], object], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        env=os.environ | {"DISCORD_TOKEN": ""} | (environment or {}),
    )


def test_the_bot_is_ready_without_torch(tmp_path: Path) -> None:
    with started("sandbox", sandbox_config(tmp_path)) as bot:
        assert "libtorch" not in Path(f"/proc/{bot.process.pid}/maps").read_text()


def test_no_module_of_torch_is_imported_for_a_bot_that_is_ready(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from bot.__main__ import opened
from bot.config import load_config
from bot.sandbox import world

async def main():
    async with opened(load_config(Path(sys.argv[1]), {})) as bot, world(bot), bot.outbox:
        await bot.connected.wait()
        print(sorted({"torch", "diffusers", "transformers"} & sys.modules.keys()))

asyncio.run(main())
"""
    config = sandbox_config(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program, str(config)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_killing_the_bot_leaves_no_worker_after_two_seconds(tmp_path: Path) -> None:
    with started("sandbox", sandbox_config(tmp_path)) as bot:
        assert wait_until(bot.children, 30), "the worker never started"
        workers = bot.children()
        bot.process.send_signal(signal.SIGKILL)
        bot.process.wait()
        assert wait_until(lambda: not any(alive(pid) for pid in workers), 2), "a worker outlived its bot"


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(tmp_path: Path, name: signal.Signals) -> None:
    with started("sandbox", sandbox_config(tmp_path)) as bot:
        assert wait_until(bot.children, 30), "the worker never started"
        workers = bot.children()
        bot.process.send_signal(name)
        assert bot.process.wait(60) == 0
        assert not any(alive(pid) for pid in workers)
    assert "Traceback" not in bot.log.read_text()


def test_a_second_sandbox_says_who_holds_the_ledger(tmp_path: Path) -> None:
    config = sandbox_config(tmp_path)
    with started("sandbox", config):
        second = run("sandbox", "--config", str(config))
    assert second.returncode == 2
    assert "is using" in second.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "config.toml"
        path.write_text(f"[sandbox]\nport = {port}\n")
        done = run("sandbox", "--config", str(path))
    assert done.returncode == 2
    assert f"The sandbox cannot open: preview could not bind port {port}. Choose another `port`" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_token_run_says_how_to_get_one(tmp_path: Path) -> None:
    done = run("run", "--config", str(tmp_path / "config.toml"))
    assert done.returncode == 2
    assert "DISCORD_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_discord_that_cannot_be_reached_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[discord]\nproxy = 'http://127.0.0.1:9'\n")
    done = run("--config", str(path), environment={"DISCORD_TOKEN": "not.a.token"})
    assert done.returncode == 1
    assert "Discord cannot be reached" in done.stderr
    assert "https_proxy" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_config_that_does_not_fit_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[discord]\ntokken = 'x'\n")
    done = run("--config", str(path))
    assert done.returncode == 2
    assert re.search(r"discord\.tokken: unknown key", done.stderr)
    assert "Traceback" not in done.stderr
