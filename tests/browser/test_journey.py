"""A newcomer's first quarter of an hour: the sandbox in a real browser; the real bot, engine and ledger under it."""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
from pathlib import Path

from playwright.sync_api import Page, expect

from engine.catalog import Catalog
from engine.images import read_metadata, read_request
from engine.ledger import FILE
from tests.browser.page import ALONE, PAINTED_MS, Sandbox, photograph
from tests.processes import Running

PROMPT = "a red apple on a white table"
STEPS = Catalog().get("tiny").defaults.num_inference_steps


def recorded(data: Path, sha256: str) -> tuple[Path, dict[str, object]]:
    """The file and the row that the ledger keeps under a digest."""
    with contextlib.closing(sqlite3.connect(f"file:{data / FILE}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute(
            "SELECT p.path, g.* FROM pictures p JOIN generations g ON g.id = p.generation_id WHERE p.sha256 = ?",
            (sha256,),
        ).fetchone()
    assert row is not None, "the ledger knows no picture with these bytes"
    return data / row["path"], dict(row)


def test_a_newcomer_paints_rerolls_edits_and_looks_back(page: Page, running: Running, tmp_path: Path) -> None:
    sandbox = Sandbox(page, running.url)
    first = sandbox.run("imagine", prompt=PROMPT, seed="7")

    # Progress appears by itself, without a press on Refresh.
    expect(first.get_by_role("button", name="Cancel")).to_be_visible()
    expect(first).to_contain_text(PROMPT)
    sandbox.painted(first, PROMPT)
    expect(first).to_contain_text(f"{STEPS} steps")
    photograph(page, "sandbox-imagine", first)

    # What is downloaded from the page is the very file that the ledger names, with everything that made it inside.
    data = sandbox.download(first, tmp_path / "downloaded.png")
    path, row = recorded(running.data, hashlib.sha256(data).hexdigest())
    assert path.read_bytes() == data
    request = read_request(data)
    assert request is not None
    assert (request.prompt, request.model, request.seed) == (PROMPT, "tiny", row["seed"])
    assert read_metadata(data)["parameters"].startswith(f"{PROMPT}\nSteps: {STEPS}, Sampler: DDIM")

    second = sandbox.answered(lambda: sandbox.press(first, "Reroll"))
    sandbox.painted(second, PROMPT)
    assert sandbox.seed(second) != sandbox.seed(first)

    sandbox.press(second, "Edit")
    form = page.get_by_role("dialog")
    form.get_by_label(re.compile("^Prompt")).fill("a blue fish in the sea")
    third = sandbox.answered(lambda: form.get_by_role("button", name="Submit").click())
    sandbox.painted(third, "a blue fish in the sea")
    assert sandbox.seed(third) == sandbox.seed(second)

    history = sandbox.run("history")
    expect(history).to_contain_text(ALONE)
    expect(history.get_by_role("img", name=PROMPT)).to_have_count(2)
    expect(history.get_by_role("img", name="a blue fish in the sea")).to_have_count(1)
    for thumbnail in history.get_by_role("img").all():
        sandbox.whole(thumbnail)
    photograph(page, "sandbox-history", history)

    sandbox.press(third, "Delete")
    expect(sandbox.messages.filter(has_text="a blue fish in the sea").filter(has_text="Reroll")).to_have_count(0)


def test_the_admin_switches_the_model_and_a_member_cannot(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    sandbox.be("Ben (member)")
    refusal = sandbox.run("model use", model="sketch")
    expect(refusal).to_contain_text("Manage Server")
    expect(refusal).to_contain_text(ALONE)

    sandbox.be("Ada (admin)")
    expect(sandbox.run("model use", model="sketch")).to_contain_text("sketch is this server's default model now")

    sandbox.be("Ben (member)")
    message = sandbox.run("imagine", prompt="a green tree")
    sandbox.painted(message, "a green tree")
    expect(message).to_contain_text("sketch · DDIM · 8 steps")


def test_a_wrong_value_is_explained_to_the_person_alone(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    answer = sandbox.run("imagine", prompt="a boat", model="sdxl-turbo", steps="30")
    expect(answer).to_contain_text("1–4")
    expect(answer).to_contain_text(ALONE)


def test_a_picture_on_its_way_can_be_cancelled(page: Page, running: Running) -> None:
    sandbox = Sandbox(page, running.url)
    message = sandbox.run("imagine", prompt="a castle", model="tiny", steps="50", count="4")
    sandbox.press(message, "Cancel")
    expect(message).to_contain_text(re.compile("cancelled", re.IGNORECASE), timeout=PAINTED_MS)
    expect(message.get_by_role("img", name="a castle")).to_have_count(0)
