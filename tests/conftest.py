"""What holds for every test: nothing of the machine's own settings leaks in, and nothing is downloaded."""

from __future__ import annotations

import pytest

LEAKS = (
    "DISCORD_TOKEN",
    "EASEL_CONFIG",
    "EASEL_PYTHON",
    "HF_TOKEN",
    "HF_HUB_OFFLINE",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)


@pytest.fixture(autouse=True)
def _settings_of_the_machine_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LEAKS:
        monkeypatch.delenv(name, raising=False)
