"""A press on a button counts, also while the page is drawn anew under it or waits for an answer."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.page import PAINTED_MS, Sandbox
from tests.processes import Running

CANCELLED = re.compile("cancelled", re.IGNORECASE)


def painting(sandbox: Sandbox) -> Locator:
    """The message of four pictures, of which some steps are painted."""
    message = sandbox.run("imagine", prompt="a castle", model="tiny", steps="50", count="4")
    expect(message).to_contain_text("Painting, step", timeout=PAINTED_MS)
    return message


def drawn_anew(message: Locator) -> None:
    """Waits until the message is not made of the elements that it is made of now."""
    old = message.locator(".component-button").element_handle()
    message.page.wait_for_function("old => !old.isConnected", arg=old)


def held_down(sandbox: Sandbox) -> Locator:
    """A message whose Cancel is pressed and not let go, and that was drawn anew since."""
    message = painting(sandbox)
    sandbox.button(message, "Cancel").hover(position={"x": 8, "y": 8})
    sandbox.page.mouse.down()
    drawn_anew(message)
    return message


def test_a_press_outlives_the_message_that_is_drawn_anew_under_it(page: Page, running: Running) -> None:
    message = held_down(Sandbox(page, running.url))
    page.mouse.up()
    expect(message).to_contain_text(CANCELLED)


def test_who_moves_away_before_letting_go_has_not_pressed(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    message = held_down(sandbox)
    sandbox.box.hover()
    page.mouse.up()
    drawn_anew(message)
    expect(message).not_to_contain_text(CANCELLED)
    sandbox.press(message, "Cancel")
    expect(message).to_contain_text(CANCELLED)


def test_a_press_waits_while_the_page_waits_for_an_answer(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    message = painting(sandbox)
    held: list[Route] = []
    page.route("**/api/action", lambda route: held.append(route), times=1)
    sandbox.box.press_sequentially("hello")
    sandbox.box.press("Enter")
    button = sandbox.button(message, "Cancel")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    held.pop().continue_()
    expect(message).to_contain_text(CANCELLED)
