"""Errors and stages in words, in the language of whoever reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.explain import explain, reason, stage, told
from bot.forms import number, whole_number
from bot.options import shaped
from bot.permissions import Refused
from bot.texts import Texts
from engine.catalog import Catalog
from engine.errors import (
    EaselError,
    EngineLost,
    GenerationFailed,
    InvalidRequest,
    LedgerBusy,
    LimitReached,
    ModelUnavailable,
    NotFound,
    OutOfMemory,
    QueueClosed,
)
from engine.types import Generation, Origin, Status
from engine.wire import error_head, head_error

TEXTS = Texts()
CATALOG = Catalog()
ENGLISH = TEXTS.speaker()


def refused(**options: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as error:
        CATALOG.request(**{"model": "sdxl-turbo", "prompt": "a fox"} | options)
    return error.value


def shape() -> InvalidRequest:
    with pytest.raises(InvalidRequest) as error:
        shaped(CATALOG.get("tiny"), "16:9")
    return error.value


def misread(read: Any, field: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as error:
        read(field, "many")
    return error.value


def unknown_model() -> NotFound:
    with pytest.raises(NotFound) as error:
        CATALOG.get("sdxl-turob")
    return error.value


ERRORS: dict[str, EaselError] = {
    "a prompt that is empty": refused(prompt=" "),
    "a prompt that is too long": refused(prompt="x" * 3000),
    "a prompt of too many tokens": InvalidRequest(
        "negative_prompt", "🦊🦊🦊…", "at most 1200 tokens; it has 1900", rule="tokens", high=1200, found=1900
    ),
    "a prompt of too many weak parts": InvalidRequest(
        "prompt", "[a] [b]…", "at most 41; it has 50", rule="weaker", high=41, found=50
    ),
    "too many steps": refused(num_inference_steps=50),
    "steps beyond every model": refused(num_inference_steps=5000),
    "a cfg": refused(guidance_scale=7.5),
    "a width": refused(width=513),
    "a width of the only one": refused(model="tiny", width=640),
    "a seed": refused(seed=-7),
    "a count": refused(num_images=9),
    "a sampler": refused(sampler="Oiler"),
    "a shape": shape(),
    "words for a whole number": misread(whole_number, "steps"),
    "words for a number": misread(number, "cfg"),
    "an unknown model": unknown_model(),
    "an unknown style": NotFound("style", "noir", close="photo"),
    "a picture that is gone": NotFound("generation", "abc"),
    "a limit of a person": LimitReached("person", "waiting", 1),
    "a limit of a server": LimitReached("guild", "images_a_day", 50, 7260.0),
    "memory": OutOfMemory("Try cpu_offload."),
    "the engine": EngineLost("The worker died."),
    "the model": GenerationFailed("CUDA error."),
    "a stop": QueueClosed("Stopping.", reason="stopping"),
    "a full disk": QueueClosed("Full.", reason="disk_full"),
    "a disk that does not take it": QueueClosed("Not written.", reason="not_written"),
    "a cancellation on a full disk": QueueClosed("Full.", reason="not_cancelled"),
    "somebody else's": Refused("error-not-yours"),
}


@pytest.mark.parametrize("language", [tag for tag in TEXTS.languages if tag != "en"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_nothing_of_an_error_stays_english(language: str, error: EaselError) -> None:
    """Only names of models, samplers and the like are the same."""
    theirs, ours = explain(error, TEXTS.speaker(language)), explain(error, ENGLISH)
    assert theirs != ours
    common = {"for", "with", "the", "does", "not", "fit", "allowed", "try", "again", "limit", "characters", "whole"}
    assert not common & set(theirs.lower().replace("*", " ").replace(":", " ").split())


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_an_error_is_told_the_same_after_its_way_through_the_worker_and_the_ledger(error: EaselError) -> None:
    if isinstance(error, InvalidRequest | NotFound):
        assert explain(head_error(error_head(error)), ENGLISH) == explain(error, ENGLISH)
    if not isinstance(error, Refused):
        assert told(error.code, error.params, str(error), ENGLISH) == explain(error, ENGLISH)


def test_what_only_whoever_runs_the_bot_can_mend_is_said_with_its_details() -> None:
    gated = ModelUnavailable("sdxl", "it is gated.", "Accept its terms.")
    said = explain(gated, TEXTS.speaker("ja")).replace("\\", "")
    assert "モデル **sdxl** は今使えません" in said
    assert "it is gated. Accept its terms." in said


def test_an_error_that_nobody_foresaw_is_said_as_it_is() -> None:
    assert explain(LedgerBusy("Another process."), TEXTS.speaker("ja")).replace("\\", "") == "Another process."


@pytest.mark.parametrize(
    ("code", "text", "extra", "words"),
    [
        ("out_of_memory", "English.", {}, "メモリーが足りませんでした"),
        ("invalid_request", "English.", {}, "English"),
        ("generation_failed", "English.", {}, "ログの **7** にあります"),
        (None, None, {}, "もう一度試してください"),
        ("invalid_request", "English.", {"error": ERRORS["too many steps"].params}, "sdxl-turbo では 1–4"),
    ],
)
def test_a_job_that_failed_says_why_from_what_the_ledger_kept(
    code: str | None, text: str | None, extra: dict[str, object], words: str
) -> None:
    job = Generation(
        id=7,
        status=Status.FAILED,
        request=CATALOG.request("tiny", "a fox"),
        origin=Origin("1"),
        attempt=1,
        created_at=datetime.now(UTC),
        error_code=code,
        error_text=text,
        extra=extra,
    )
    assert words in reason(job, TEXTS.speaker("ja")).replace("\\", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Downloading sdxl-turbo: 1.20 of 6.94 GB", "descargando, 1,20 de 6,94 GB"),
        ("Looking up stabilityai/sdxl-turbo", "buscando sus archivos"),
        ("Waiting for another program that downloads this model", "otro programa lo está descargando"),
        ("Moving to the device", "pasándolo al dispositivo"),
        ("Loading text_encoder_2", "text_encoder_2"),
        ("Something new", "Something new"),
    ],
)
def test_where_a_model_is_on_its_way_is_said_in_the_readers_language(text: str, words: str) -> None:
    assert stage(text, TEXTS.speaker("es-ES")).replace("\\", "") == words
