"""Which ends are worth a notice, and how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.notices import EVERY_S, Notice, Pace, worth_telling
from bot.texts import Texts
from engine.dispatch import Update
from engine.errors import Cancelled, EaselError, EngineLost, GenerationFailed, ModelUnavailable, OutOfMemory
from engine.types import Generation, Origin, Status
from tests.fakes import small_catalog

BROKEN = ModelUnavailable("tiny", "its unet cannot be loaded.", "Delete it.", detail="It is in /srv/models.")


def ended(status: Status, error: EaselError | None) -> Update:
    request = small_catalog().request("tiny", "a secret fox")
    job = Generation(77, status, request, Origin("1"), 3, datetime.now(UTC), error_text=str(error))
    return Update(job.id, status, generation=job, error=error)


def test_a_model_that_cannot_be_used_is_told_with_its_path() -> None:
    notice = worth_telling(ended(Status.FAILED, BROKEN))
    assert notice is not None
    words = Texts().speaker()(notice.key, model=notice.model, untold=0, **notice.values)
    assert "The model tiny cannot be used.** its unet cannot be loaded" in words
    assert "/srv/models" in words.replace("\\", "")


def test_a_job_that_was_given_up_is_told_without_its_prompt() -> None:
    notice = worth_telling(ended(Status.DEAD, EngineLost("Given up after 3 attempts. It hung.")))
    assert notice is not None
    words = Texts().speaker()(notice.key, model=notice.model, untold=2, **notice.values)
    assert "was given up" in words
    assert "2 more jobs" in words
    assert "secret" not in words


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.STORED, None),
        (Status.CANCELLED, Cancelled()),
        (Status.FAILED, OutOfMemory("Try a smaller size.")),
        (Status.FAILED, GenerationFailed("It failed.")),
    ],
)
def test_what_members_can_help_themselves_with_is_told_to_nobody_else(status: Status, error: EaselError | None) -> None:
    assert worth_telling(ended(status, error)) is None
    assert worth_telling(Update(1, Status.RUNNING)) is None


def test_one_model_is_told_of_once_an_hour_and_the_rest_is_counted() -> None:
    now = 1000.0
    pace = Pace(lambda: now)
    notice = Notice("notice-model", "tiny", {})
    assert pace.due(notice) == 0
    assert pace.due(notice) is None
    assert pace.due(notice) is None
    assert pace.due(replace(notice, model="other")) == 0
    assert pace.due(replace(notice, key="notice-dead")) == 0
    now += EVERY_S
    assert pace.due(notice) == 2
    assert pace.due(notice) is None
    now += EVERY_S
    assert pace.due(notice) == 1
