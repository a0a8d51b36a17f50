"""Everything that can be done with a result, in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.page import ALONE, Sandbox, photograph
from tests.processes import Running

PROMPT = "a green leaf"


def test_a_result_is_kept_looked_into_and_brought_back(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    result = sandbox.run("imagine", prompt=PROMPT, count="2", seed="3", style="watercolor")
    expect(result.get_by_role("button", name="Cancel")).to_be_visible()
    photograph(page, "sandbox-progress", result)
    sandbox.painted(result, PROMPT)
    expect(result).to_contain_text("watercolour painting of a green leaf")

    asked = sandbox.answered(lambda: sandbox.press(result, "Favourite"))
    expect(asked).to_contain_text(ALONE)
    sandbox.press(asked, "2")
    photograph(page, "sandbox-favourites", asked)

    more = sandbox.answered(lambda: sandbox.press(result, "More"))
    expect(more).to_contain_text("/imagine prompt:watercolour painting of a green leaf")
    expect(more).to_contain_text("seed:3")
    photograph(page, "sandbox-more", more)
    id = re.search(r"\b[0-9a-z]{12}\b", more.inner_text())
    assert id is not None

    child = sandbox.answered(lambda: sandbox.press(result, "Reroll"))
    sandbox.painted(child, PROMPT)
    expect(child).to_contain_text("Made from")

    sandbox.press(child, "Edit")
    form = page.get_by_role("dialog")
    expect(form.get_by_label(re.compile("^Prompt"))).to_have_value(re.compile("a green leaf"))
    photograph(page, "sandbox-edit")
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()

    family = sandbox.answered(lambda: sandbox.press(result, "More"))
    expect(family).to_contain_text("Made from it")
    photograph(page, "sandbox-family", family)

    told = sandbox.answered(lambda: sandbox.press(result, "Send to me"))
    expect(told).to_contain_text("It is in your direct messages")

    liked = sandbox.run("history", favourites="True")
    expect(liked.get_by_role("img", name=PROMPT)).to_have_count(1)
    photograph(page, "sandbox-history-favourites", liked)

    back = sandbox.run("show", id=id.group())
    sandbox.painted(back, PROMPT)
    photograph(page, "sandbox-show", back)


def test_a_spoiler_is_hidden_until_it_is_clicked(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    result = sandbox.run("imagine", prompt="a secret star", spoiler="True")
    expect(result.get_by_role("button", name="Reroll")).to_be_visible(timeout=120_000)
    photograph(page, "sandbox-spoiler", result)
