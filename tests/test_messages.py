"""What Discord shows, and that it never exceeds what Discord takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simcord.components import walk_components

from bot import messages, pages
from bot.history import PAGE, SEARCH_LIMIT, Query, title, turning
from bot.metadata import Parameters
from bot.permissions import Refused
from bot.results import edit_form
from bot.texts import Say, Texts
from engine.catalog import Catalog, ModelSpec
from engine.dispatch import Position, Update
from engine.errors import InvalidRequest, LimitReached, ModelUnavailable
from engine.types import (
    Generation,
    GenerationRequest,
    Loading,
    ModelState,
    Origin,
    PictureRecord,
    Progress,
    Sampler,
    Status,
)

TEXTS = Texts()
SAY = TEXTS.speaker()
EVERY_SAY = st.sampled_from(TEXTS.languages).map(TEXTS.speaker)
BIGGEST = 2**63 - 1
LINK = "https://discord.com/channels/184467440737095517/184467440737095518/184467440737095519"

# Words that hurt: markdown, mentions, links, direction marks, wide signs, lone surrogates, and anything else.
HOSTILE = st.one_of(
    st.text(min_size=1, max_size=2000),
    st.text(alphabet="\\`*_~|[]()<>#+-:@.!/\n \u202e\u2066", min_size=1, max_size=2000),
    st.lists(
        st.sampled_from(
            ["@everyone", "<@123456789012345678>", "https://evil.example/x", "**", "```", "\ud800", "👩‍👩‍👧", "漢"]
        ),
        min_size=1,
        max_size=400,
    ).map(" ".join),
)


def request(prompt: str, negative_prompt: str = "", **values: Any) -> GenerationRequest:
    """Unchecked, since messages must hold for whatever stands in the ledger."""
    known = Catalog().request("tiny", "x", seed=2**32 - 1).model_dump() | values
    return GenerationRequest.model_construct(
        **known | {"prompt": prompt, "negative_prompt": negative_prompt, "sampler": Sampler.DPMPP_2M_KARRAS}
    )


def generation(prompt: str = "a red fox", status: Status = Status.STORED, **values: Any) -> Generation:
    return Generation(
        id=values.pop("id", BIGGEST),
        status=status,
        request=values.pop("request", None) or request(prompt),
        origin=Origin("184467440737095516", "184467440737095517", "184467440737095518"),
        attempt=3,
        created_at=datetime.now(UTC),
        seconds_running=3.21,
        **values,
    )


def check(card: messages.Card) -> list[dict[str, Any]]:
    """Discord's limits; returns the components."""
    parts = list(walk_components(card.to_components()))
    assert len(parts) <= 40
    texts = [part["content"] for part in parts if part["type"] == 10]
    assert sum(map(messages.length, texts)) <= 4000
    assert all(texts), "an empty text is refused"
    for part in parts:
        assert messages.length(part.get("label") or "") <= 80
        if "custom_id" in part:
            assert len(part["custom_id"].encode("utf-16-le")) <= 200
            assert 1 <= len(part["custom_id"]) <= 100
        for item in part.get("items", []):
            assert messages.length(item["description"]) <= 1024
        assert len(part.get("options", [])) <= 25
        for option in part.get("options", []):
            assert 1 <= messages.length(option["label"]) <= 100
    str(parts).encode()  # what cannot be encoded cannot be sent
    return parts


def text_of(card: messages.Card) -> str:
    return "\n".join(part["content"] for part in walk_components(card.to_components()) if part["type"] == 10)


@given(EVERY_SAY, HOSTILE, HOSTILE, st.integers(0, 4))
def test_a_result_fits_whatever_was_typed(say: Say, prompt: str, negative: str, count: int) -> None:
    painted = generation(request=request(prompt, negative), parent_id=BIGGEST - 1, extra={"spoiler": True})
    parent = f"[`1y2p0ij32e8e6`]({LINK})"
    check(
        messages.result(painted, [f"x-{n}.png" for n in range(count)], say, notes=["n" * 200] * 2, parent_link=parent)
    )


@given(
    EVERY_SAY,
    HOSTILE,
    st.one_of(
        st.none(), st.builds(Loading, st.floats(0, 1), HOSTILE), st.builds(Progress, st.integers(0, 9), st.just(9))
    ),
)
def test_progress_fits_whatever_was_typed(say: Say, prompt: str, event: Loading | Progress | None) -> None:
    update = Update(id=BIGGEST, status=Status.RUNNING, position=None, event=event, generation=None)
    check(messages.progress(update, request(prompt), "184467440737095516", say, note="restarted", preview="x.webp"))


@given(EVERY_SAY, HOSTILE, HOSTILE, st.sampled_from([Status.FAILED, Status.CANCELLED, Status.DEAD]))
def test_an_end_without_a_picture_fits_whatever_the_error_says(
    say: Say, prompt: str, error: str, status: Status
) -> None:
    check(messages.ended(generation(prompt, status, error_text=error), say, note="restarted"))


@given(EVERY_SAY, st.lists(HOSTILE, max_size=PAGE), HOSTILE)
def test_a_page_of_the_history_fits(say: Say, prompts: list[str], search: str) -> None:
    rows = [
        pages.Row(generation(prompt, id=BIGGEST - n), "x.webp" if n % 2 else None, LINK, liked=True)
        for n, prompt in enumerate(prompts)
    ]
    today = datetime.now(UTC).date()
    words = messages.begin(messages.visible(search), SEARCH_LIMIT)
    query = Query("184467440737095516", "tiny", words, True, today, today, turn="b", cursor=BIGGEST)
    found = [row.generation for row in rows]
    check(
        pages.history_page(
            rows,
            say,
            title=title(query, True, bool(rows), say),
            turning=turning(query, found, True, bool(found), Catalog(), say),
        )
    )


@given(EVERY_SAY, HOSTILE, HOSTILE, HOSTILE)
def test_more_fits_whatever_was_typed(say: Say, prompt: str, negative: str, other: str) -> None:
    painted = generation(request=request(prompt, negative))
    relative = pages.Relative(generation(other), LINK)
    command = pages.command_of(painted.request, say)
    children = [pages.Relative(generation(other, id=BIGGEST - n), LINK) for n in range(10)]
    files = [f"x-{n}.png" for n in range(5)]
    parts = check(pages.more(painted, command, files, say, parents=[relative], children=children, missing=1))
    [text] = [part["content"] for part in parts if part["type"] == 10 and "```" in part["content"]]
    assert text.count("```") == 2, "the words do not end the block that they stand in"


@given(EVERY_SAY, st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE), min_size=1, max_size=4))
def test_the_parameters_of_any_pictures_fit(say: Say, found: list[tuple[str, str, str]]) -> None:
    names = ("model", "sampler", "steps", "cfg", "size", "seed")
    read = [Parameters(value, prompt, negative, dict.fromkeys(names, value)) for prompt, negative, value in found]
    check(pages.parameters(read, say))


@given(EVERY_SAY, st.sets(st.integers(0, 3)))
def test_the_choice_of_favourites_fits(say: Say, liked: set[int]) -> None:
    check(pages.favourites("1y2p0ij32e8e7", [0, 1, 2, 3], liked, say))


@given(EVERY_SAY, HOSTILE, HOSTILE)
def test_the_form_of_edit_fits_and_holds_what_was_asked(say: Say, prompt: str, negative: str) -> None:
    form = edit_form(generation(request=request(prompt, negative)), say).to_dict()
    assert messages.length(form["title"]) <= 45
    assert len(form["components"]) == 5
    for row in form["components"]:
        assert messages.length(row["label"]) <= 45
        assert messages.length(row.get("description") or "") <= 100
    fields = [row["component"] for row in form["components"]]
    assert [field["custom_id"] for field in fields] == ["prompt", "negative_prompt", "steps", "cfg", "seed"]
    assert fields[0]["value"] == prompt


@given(EVERY_SAY, st.lists(HOSTILE, max_size=30))
def test_the_queue_fits(say: Say, prompts: list[str]) -> None:
    jobs = [(generation(prompt, Status.QUEUED, id=BIGGEST - n), Position(n, 12.5)) for n, prompt in enumerate(prompts)]
    check(pages.queue_page(jobs, len(jobs), 1, say))


@given(HOSTILE)
def test_nothing_that_was_typed_comes_alive(prompt: str) -> None:
    shown = messages.plain(prompt, 500)
    assert messages.length(shown) <= 500
    bare = re.sub(r"\\.", "", shown.replace("@\u200b", ""))
    assert not set("*_~|`[]()<>#@:/\\\n\u202e\u2066") & set(bare)
    assert not shown.endswith("\\") or shown.endswith("\\\\")


def test_text_that_fits_is_shown_whole() -> None:
    assert messages.plain("a red fox in the snow") == "a red fox in the snow"
    assert messages.plain("x" * 10, 10) == "x" * 10
    assert messages.plain("x" * 11, 10) == "x" * 9 + "…"


def test_a_prompt_of_two_thousand_signs_is_the_alt_text_cut_at_1024() -> None:
    assert messages.alt_text("a fox\nin snow") == "a fox in snow"
    assert messages.length(messages.alt_text("🦊" * 2000)) <= 1024


def test_a_result_names_everything_that_made_it() -> None:
    text = text_of(messages.result(generation(), ["x.png"], SAY)).replace("\\", "")
    for fact in ("a red fox", "tiny", "DPM++ 2M Karras", "15 steps", "cfg 3.5", "512×512", "seed 4294967295", "3.2 s"):
        assert fact in text


def test_a_result_shows_the_prompt_as_alt_text_and_the_buttons_hold_only_the_id() -> None:
    parts = check(messages.result(generation(), ["a.png", "b.png"], SAY))
    [gallery] = [part for part in parts if part["type"] == 12]
    assert [(item["media"]["url"], item["description"]) for item in gallery["items"]] == [
        ("attachment://a.png", "a red fox"),
        ("attachment://b.png", "a red fox"),
    ]
    ids = [part["custom_id"] for part in parts if part["type"] == 2]
    actions = ("reroll", "edit", "more", "favourite", "send", "delete")
    assert ids == [f"easel:{action}:1y2p0ij32e8e7" for action in actions]


def test_a_result_whose_files_are_gone_says_so() -> None:
    assert "deleted" in text_of(messages.result(generation(), [], SAY, gone=True))


def test_the_place_in_the_queue_is_said_with_the_right_plural() -> None:
    assert messages.place(Position(0, None), SAY) == "Next in the queue"
    assert messages.place(Position(1, None), SAY) == "In the queue, one job ahead"
    assert messages.place(Position(3, 40.0), SAY) == "In the queue, 3 jobs ahead · starts in about 40 s"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (3.21, "3.2 s"), (40, "40 s"), (100, "2 min"), (5400, "1 h 30 min"), (90000, "25 h 0 min")],
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert messages.duration(seconds, SAY) == words


def test_the_bar_is_empty_at_the_start_and_full_at_the_end() -> None:
    assert messages.bar(0) == "▱" * 16
    assert messages.bar(0.5) == "▰" * 8 + "▱" * 8
    assert messages.bar(7) == "▰" * 16


def test_errors_are_said_in_discords_words() -> None:
    error = InvalidRequest("num_inference_steps", 80, "1 to 50 for tiny")
    assert messages.explain(error, SAY).replace("\\", "") == "**steps**: 80 does not fit. Allowed: 1 to 50 for tiny."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LimitReached("person", "waiting", 1), "You have reached your limit of one job at a time. Come back when one"),
        (
            LimitReached("guild", "images_a_day", 50, 7260.0),
            "This server has reached its limit of 50 pictures a day. Come back in 2 h 1 min.",
        ),
        (LimitReached("all", "waiting", 9), "Everyone together has reached the limit of 9 jobs at a time."),
        (Refused("error-not-yours"), "Only the person who asked"),
        (ModelUnavailable("sdxl", "it is **gated**.", "Accept @everyone"), "it is **gated**. Accept @\u200beveryone"),
    ],
)
def test_every_error_says_what_happened_and_what_to_do(error: Any, words: str) -> None:
    assert words in messages.explain(error, SAY).replace("\\", "")


def test_the_table_of_models_shows_size_speed_quality_use_and_state() -> None:
    states = {"tiny": ModelState("tiny", "loaded"), "sdxl-turbo": ModelState("sdxl-turbo", "loading", 0.4)}
    text = text_of(pages.model_list(list(Catalog()), states, "tiny", SAY)).replace("\\", "")
    assert "**tiny** · loaded · default here\n-# speed ●●●●● · quality ●○○○○ · 60 MB · first steps" in text
    assert "**sdxl-turbo** · loading, 40 %\n-# speed ●●●●● · quality ●●●○○ · 6.9 GB" in text
    assert "not downloaded yet" in text


def test_a_catalogue_of_any_length_fits() -> None:
    many = [ModelSpec(key=f"model-{n}", repository="a/b", best_for="*" * 100) for n in range(200)]
    card = pages.model_list(many, {}, "tiny", SAY)
    check(card)
    assert re.search(r"…and \d+ more", text_of(card))


def test_a_machines_own_path_is_not_shown() -> None:
    spec = ModelSpec(key="mine", repository="/srv/models/mine")
    assert "/srv" not in text_of(pages.model_info(spec, None, False, None, SAY)).replace("\\", "")


def test_pictures_of_a_deleted_generation_are_marked_in_the_history() -> None:
    gone = PictureRecord(1, 0, 7, "x", 1, "", 8, 8, deleted_at=datetime.now(UTC))
    assert "deleted" in pages.history_line(pages.Row(generation(pictures=(gone,))), SAY)
