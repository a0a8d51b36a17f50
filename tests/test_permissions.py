"""Who may do what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.permissions import (
    LimitRule,
    Person,
    Refused,
    limits_for,
    require_history_of,
    require_manager,
    require_press,
)
from engine.catalog import Catalog
from engine.types import Generation, Limit, Origin, Status

ANN = Person("1", guild_id="9")
BOB = Person("2", guild_id="9")
MODERATOR = Person("3", guild_id="9", manage_messages=True)
MODERATOR_ELSEWHERE = Person("3", guild_id="8", manage_messages=True)
MANAGER = Person("4", guild_id="9", manage_guild=True)


def generation(*, guild_id: str | None = "9", private: bool = False) -> Generation:
    return Generation(
        id=1,
        status=Status.STORED,
        request=Catalog().request("tiny", "a fox"),
        origin=Origin("1", guild_id, "5", private),
        attempt=1,
        created_at=datetime.now(UTC),
    )


def test_the_person_who_asked_may_press_everywhere() -> None:
    require_press(ANN, generation())
    require_press(ANN, generation(private=True))
    require_press(Person("1"), generation(guild_id=None))


@pytest.mark.parametrize(
    "who", [BOB, MODERATOR_ELSEWHERE, MANAGER], ids=["another", "a moderator elsewhere", "a manager"]
)
def test_nobody_else_may_press(who: Person) -> None:
    with pytest.raises(Refused) as refusal:
        require_press(who, generation())
    assert refusal.value.key == "error-not-yours"


def test_a_moderator_may_press_what_was_made_on_the_same_server() -> None:
    require_press(MODERATOR, generation())


def test_a_moderator_may_not_press_what_is_private() -> None:
    with pytest.raises(Refused):
        require_press(MODERATOR, generation(private=True))


def test_without_a_server_there_are_no_moderators() -> None:
    """Two direct messages have the server None in common, which is no server."""
    with pytest.raises(Refused):
        require_press(Person("3", guild_id=None, manage_messages=True), generation(guild_id=None))


def test_everybody_sees_their_own_history_and_moderators_that_of_others() -> None:
    require_history_of(ANN, None)
    require_history_of(ANN, "1")
    require_history_of(MODERATOR, "1")
    with pytest.raises(Refused) as refusal:
        require_history_of(BOB, "1")
    assert refusal.value.key == "error-not-moderator"


def test_only_managers_manage_and_only_servers_are_managed() -> None:
    assert require_manager(MANAGER) == "9"
    with pytest.raises(Refused, match="error-not-manager"):
        require_manager(MODERATOR)
    with pytest.raises(Refused, match="error-only-in-server"):
        require_manager(Person("4", manage_guild=True))


RULES = [
    LimitRule("each", "", "waiting", 2),
    LimitRule("role", "77", "waiting", 5),
    LimitRule("role", "78", "waiting", 9),
    LimitRule("person", "2", "waiting", 1),
    LimitRule("guild", "", "images_a_day", 500),
]


def test_without_rules_nobody_is_limited() -> None:
    assert limits_for(ANN, []) == []


def test_everybody_gets_the_rule_for_each_and_the_one_for_all_together() -> None:
    assert limits_for(ANN, RULES) == [Limit("person", "waiting", 2), Limit("guild", "images_a_day", 500)]


def test_the_most_generous_role_goes_before_the_rule_for_each() -> None:
    supporter = Person("1", guild_id="9", role_ids=frozenset({"77", "78"}))
    assert Limit("person", "waiting", 9) in limits_for(supporter, RULES)


def test_a_rule_of_ones_own_goes_before_ones_roles() -> None:
    bob = Person("2", guild_id="9", role_ids=frozenset({"78"}))
    assert limits_for(bob, RULES)[0] == Limit("person", "waiting", 1)
