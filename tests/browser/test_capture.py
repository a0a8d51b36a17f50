"""docs/imagine.webp: /imagine from typing to picture, as somebody sees it who tries the sandbox."""

from __future__ import annotations

import io
import os
import time

import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from tests.browser.page import PAINTED_MS, Sandbox
from tests.processes import ROOT, Running

PROMPT = "a red apple on a white table"
SIZE: ViewportSize = {"width": 976, "height": 880}
CHAT: FloatRect = {"x": 256, "y": 100, "width": 720, "height": 780}
"""The part of the page that is like Discord's."""

LONGEST_MS, LAST_MS = 600, 4000
"""A busy machine paints slowly: nobody shall watch that for longer. The picture stays for a while."""

pytestmark = pytest.mark.skipif(
    not os.environ.get("EASEL_SCREENSHOTS"), reason="nobody asked for new pictures: set EASEL_SCREENSHOTS=1"
)


class Film:
    """Frames with how long each was seen; the same picture again only lasts longer."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[Image.Image] = []
        self.seen: list[float] = []
        self._last = b""

    def take(self) -> None:
        shot = self.page.screenshot(caret="initial", clip=CHAT)
        if shot != self._last:
            self._last = shot
            self.frames.append(Image.open(io.BytesIO(shot)).convert("RGB"))
            self.seen.append(time.monotonic())

    def save(self) -> int:
        """Writes the file, and returns its size in bytes."""
        ends = [*self.seen[1:], self.seen[-1]]
        lasted = [min(LONGEST_MS, round(1000 * (end - start))) for start, end in zip(self.seen, ends, strict=True)]
        lasted[-1] = LAST_MS
        path = ROOT / "docs" / "imagine.webp"
        first, *rest = self.frames
        first.save(
            path, save_all=True, append_images=rest, duration=lasted, loop=0, quality=70, method=6, minimize_size=True
        )
        return path.stat().st_size


def test_imagine_is_captured_from_typing_to_picture(page: Page, running: Running) -> None:
    page.set_viewport_size(SIZE)
    sandbox = Sandbox(page, running.url)
    first = sandbox.run("imagine", prompt="a blue star")  # the model is loaded before the film begins
    sandbox.painted(first, "a blue star")
    sandbox.press(first, "Delete")
    expect(sandbox.messages).to_have_count(1)
    film = Film(page)
    film.take()
    for letter in "/imagine":
        sandbox.box.press_sequentially(letter)
        film.take()
    page.keyboard.press("Enter")
    field = page.get_by_label("prompt, required")
    expect(field).to_be_visible()
    for start in range(0, len(PROMPT), 2):
        field.press_sequentially(PROMPT[start : start + 2])
        film.take()
    message = sandbox.answered(lambda: page.get_by_role("button", name="Send", exact=True).click())
    until = time.monotonic() + PAINTED_MS / 1000
    while not message.get_by_role("button", name="Reroll").count() and time.monotonic() < until:
        film.take()
        page.wait_for_timeout(100)
    sandbox.painted(message, PROMPT)
    message.evaluate("element => element.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(800)
    film.take()
    assert len(film.frames) > 20
    assert film.save() < 2_000_000
