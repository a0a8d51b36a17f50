"""The sandbox's page, in the words of the person in front of it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, Response, expect

from tests.processes import ROOT

PAINTED_MS = 120_000
"""A busy machine may take so long to start its worker and to paint."""

expect.set_options(timeout=60_000)

ALONE = "Only you can see this"

COMPLETED = {"prompt", "model", "sampler", "style"}
"""Options whose values are chosen from a list that the bot completes."""


def photograph(page: Page, name: str, message: Locator | None = None) -> None:
    """A picture of the page, where one is wanted: EASEL_SCREENSHOTS=1 makes the README's anew, a folder gets all."""
    wanted = os.environ.get("EASEL_SCREENSHOTS")
    in_readme = f"docs/{name}.png" in (ROOT / "README.md").read_text(encoding="utf-8")
    if not wanted or (wanted == "1" and not in_readme):
        return
    if message is not None:
        message.evaluate("element => element.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(1000)  # until nothing moves any more
    shot = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    folder = ROOT / "docs" if wanted == "1" else Path(wanted)
    shot.save(folder / f"{name}.png", optimize=True)


class Sandbox:
    """What is seen and done. Locators wait until what they name is there."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)
        expect(self.box).to_be_visible()

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def messages(self) -> Locator:
        return self.page.locator("article.channel-message")

    def be(self, name: str) -> None:
        """Goes on as somebody else, once the page has changed over and was read anew."""

        def changed_over(response: Response) -> bool:
            return response.url.endswith("/api/action") and '"viewer"' in (response.request.post_data or "")

        with self.page.expect_response(changed_over):
            self.page.get_by_label("Viewing as").select_option(label=name)
        with self.page.expect_response(re.compile("/api/state$")):
            pass
        expect(self.box).to_have_value("")

    def button(self, message: Locator, label: str) -> Locator:
        """A button that the bot put under its message; the page has others of its own beside it."""
        return message.locator(".component-button").filter(has_text=label)

    def press(self, message: Locator, label: str) -> None:
        self.button(message, label).click()

    def type(self, command: str, **options: str) -> None:
        """Types a slash command as people do, letter by letter, with its options."""
        self.box.press_sequentially(f"/{command}")
        entry = self.page.get_by_role("listbox", name="Application commands").locator(".command-entry").first
        expect(entry).to_contain_text(f"/{command}")
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".command-row")).to_be_visible()
        for name, value in options.items():
            field = self.page.get_by_label(re.compile(rf"^{name}(, required)?$"))
            if not field.count():
                self.page.get_by_role("button", name=re.compile(r"^\+\d+ (more|options)$")).click()
                self.suggestion(name).click()
            field.press_sequentially(value)
            if name in COMPLETED:
                self.suggestion(value).click()

    def suggestion(self, value: str) -> Locator:
        return self.page.locator(f'.command-suggestion[data-value="{value}"]')

    def run(self, command: str, **options: str) -> Locator:
        self.type(command, **options)
        return self.send()

    def send(self) -> Locator:
        return self.answered(lambda: self.page.get_by_role("button", name="Send", exact=True).click())

    def answered(self, act: Callable[[], None]) -> Locator:
        """The new message that doing this brings."""
        before = self.messages.count()
        act()
        expect(self.messages).to_have_count(before + 1)
        return self.messages.nth(before)

    def seed(self, message: Locator) -> str:
        found = re.search(r"seed (\d+)", message.inner_text())
        assert found is not None, f"no seed in {message.inner_text()!r}"
        return found.group(1)

    def painted(self, message: Locator, prompt: str) -> None:
        """Waits until the message shows its picture, whole, and its buttons."""
        self.whole(message.get_by_role("img", name=prompt).first)
        expect(message.get_by_role("button", name="Reroll")).to_be_visible()

    def whole(self, picture: Locator) -> None:
        """Waits until a picture has arrived and is decoded."""
        expect(picture).to_have_attribute("src", re.compile("^blob:"), timeout=PAINTED_MS)
        expect(picture).not_to_have_js_property("naturalWidth", 0)

    def download(self, message: Locator, to: Path) -> bytes:
        """Opens the message's first picture and saves it with the page's own button."""
        message.get_by_role("button", name=re.compile("^Open .* in image preview")).first.click()
        with self.page.expect_download() as download:
            self.page.get_by_role("dialog").get_by_role("button", name=re.compile("^Download")).click()
        download.value.save_as(to)
        self.page.keyboard.press("Escape")
        return to.read_bytes()
