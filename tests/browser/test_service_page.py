"""The image service's page in a real browser, over the real service with the embedded model."""

from __future__ import annotations

import io
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from engine.catalog import Catalog
from engine.images import read_request
from engine.service.keys import KeyRing
from tests.browser.page import PAINTED_MS
from tests.processes import ROOT
from tests.serving import BOX, Child, service_process

CONFIG = "[storage]\nmin_free_mb = 0\n[service]\nport = 0\n"
PROMPT = "a red apple on a white table"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    with service_process(tmp_path_factory.mktemp("service"), CONFIG, backend=None) as child:
        yield child


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """One that paints noise, as slowly as the prompt says."""
    with service_process(tmp_path_factory.mktemp("quick"), BOX) as child:
        yield child


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """Fails where the page ran into an error, or into the rules of its own security policy."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    yield page
    assert wrong == []


def write(page: Page, prompt: str, **numbers: int) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)
    for name, value in numbers.items():
        page.get_by_label(name.capitalize(), exact=True).fill(str(value))


def paint(page: Page, prompt: str, **numbers: int) -> None:
    expect(page.get_by_label("Model", exact=True)).not_to_have_value("")
    write(page, prompt, **numbers)
    page.get_by_role("button", name="Paint").click()


def photograph(page: Page, name: str) -> None:
    """A picture for the README, when somebody asks for new ones: EASEL_SCREENSHOTS=1."""
    if os.environ.get("EASEL_SCREENSHOTS"):
        page.wait_for_timeout(500)
        shot = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
        shot.save(ROOT / "docs" / f"{name}.png", optimize=True)


def test_somebody_at_a_desk_paints_looks_back_and_paints_again(page: Page, service: Child) -> None:
    page.goto(service.url)
    expect(page.get_by_label("Steps")).to_have_value(str(Catalog().get("tiny").defaults.num_inference_steps))
    paint(page, PROMPT, seed=7, number=2)
    job = page.locator("#jobs article").first
    expect(job.get_by_role("button", name="Cancel")).to_be_visible()
    expect(job.get_by_role("img", name=PROMPT)).to_have_count(2, timeout=PAINTED_MS)
    expect(job).to_contain_text("DDIM")
    expect(job).to_contain_text(re.compile(r"Seed\s*7"))
    expect(page.locator("#about-model")).to_contain_text("loaded")
    expect(page.locator("#gallery img")).to_have_count(2)
    for picture in page.locator("#gallery img").all():
        expect(picture).not_to_have_js_property("naturalWidth", 0)
    photograph(page, "service-page")

    with page.expect_download() as download:
        job.get_by_role("button", name="Download").first.click()
    request = read_request(download.value.path())
    assert request is not None
    assert (request.prompt, request.seed) == (PROMPT, 7)

    # Another visit finds it in the history, and takes its settings over.
    page.reload()
    page.locator("#gallery button").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Use these settings").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(PROMPT)
    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")


def test_the_model_is_loaded_and_unloaded_by_its_buttons(page: Page, service: Child) -> None:
    page.goto(service.url)
    about, load, unload = (
        page.locator("#about-model"),
        *(page.get_by_role("button", name=name, exact=True) for name in ("Load", "Unload")),
    )
    expect(load.or_(unload).and_(page.locator(":enabled")).first).to_be_visible()
    if load.is_enabled():
        load.click()
    expect(about).to_contain_text("tiny: loaded", timeout=PAINTED_MS)
    unload.click()
    expect(about).to_contain_text("tiny: on the disk")
    load.click()
    expect(about).to_contain_text("tiny: loaded", timeout=PAINTED_MS)


def test_nothing_can_be_pressed_before_the_models_are_known(page: Page, service: Child) -> None:
    page.route("**/api/models", lambda route: route.abort())
    page.goto(service.url)
    expect(page.locator("#engine")).not_to_be_empty()
    for name in ("Load", "Unload", "Paint"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()


def asked(service: Child, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(service.url + path, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, None if body is None else json.dumps(body).encode()) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_a_picture_on_its_way_shows_its_steps_and_its_place_and_can_be_cancelled(page: Page, quick: Child) -> None:
    page.goto(quick.url)
    paint(page, "slow first", steps=100)
    cards = page.locator("#jobs article")
    first, last = cards.filter(has_text="first"), cards.filter(has_text="last")
    expect(first).to_contain_text(re.compile(r"Step \d+ of 100"))
    for number in range(asked(quick, "/api/engine")["slots"] + 1):
        asked(quick, "/api/generations", {"prompt": f"slow crowd {number}", "num_inference_steps": 100})
    paint(page, "slow last", steps=100)
    expect(last).to_contain_text(re.compile(r"\d before it"))

    page.reload()  # what is under way is found again
    expect(last).to_contain_text(re.compile(r"\d before it"))
    last.get_by_role("button", name="Cancel").click()
    expect(last).to_contain_text("Cancelled.")
    for status in ("queued", "running"):
        for job in asked(quick, f"/api/generations?status={status}")["data"]:
            asked(quick, f"/api/generations/{job['id']}/cancel", {})
    expect(cards.get_by_role("button", name="Cancel")).to_have_count(0)


def test_a_value_that_does_not_fit_is_explained(page: Page, quick: Child) -> None:
    page.goto(quick.url)
    expect(page.get_by_label("Model", exact=True)).not_to_have_value("")
    page.evaluate("document.getElementById('form').noValidate = true")
    paint(page, "a boat", width=8)
    expect(page.get_by_role("alert")).to_contain_text("width: Input should be greater than or equal to 64.")


def test_pictures_are_found_by_their_words_and_deleted_for_good(page: Page, quick: Child) -> None:
    page.goto(quick.url)
    for prompt in ("a green boat", "a yellow house"):
        paint(page, prompt)
        expect(page.locator("#jobs").get_by_role("img", name=prompt)).to_be_visible()
    page.get_by_label("Search the prompts").fill("boat")
    page.keyboard.press("Enter")
    expect(page.locator("#gallery li")).to_have_count(1)
    page.locator("#gallery button").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_it_speaks_chinese_to_who_reads_chinese(page: Page, quick: Child) -> None:
    page.goto(quick.url)
    page.get_by_label("Language").select_option("zh")
    expect(page.get_by_role("button", name="生成")).to_be_visible()
    page.reload()
    expect(page.get_by_label("提示词", exact=True)).to_be_visible()
    page.get_by_label("提示词", exact=True).fill("一只红色的苹果")
    expect(page.get_by_label("模型")).not_to_have_value("")
    page.get_by_role("button", name="生成").click()
    expect(page.locator("#jobs").get_by_role("img", name="一只红色的苹果")).to_be_visible()


def test_a_service_with_keys_asks_for_one_and_shows_its_pictures_with_it(
    page: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("locked")
    key = KeyRing(folder / "data").add("ann")
    with service_process(folder, BOX.replace("port = 0", "port = 0\nrequire_keys = true")) as child:
        page.goto(child.url)
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("API key").fill("easel_wrong")
        dialog.get_by_role("button", name="Continue").click()
        dialog.get_by_label("API key").fill(key)
        dialog.get_by_role("button", name="Continue").click()
        paint(page, "a locked door")
        picture = page.locator("#jobs").get_by_role("img", name="a locked door")
        expect(picture).to_be_visible()
        expect(picture).not_to_have_js_property("naturalWidth", 0)
        page.goto("about:blank")  # before the service stops under it
