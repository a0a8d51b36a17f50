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
    require_place,
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


def test_a_server_may_let_everybody_make_more_from_a_picture_or_nobody_else() -> None:
    require_press(BOB, generation(), "anyone")
    require_press(ANN, generation(), "owner")
    for who, press in ((BOB, "moderators"), (MODERATOR, "owner"), (MODERATOR_ELSEWHERE, "anyone")):
        with pytest.raises(Refused):
            require_press(who, generation(), press)  # type: ignore[arg-type]


def test_what_is_private_stays_so_whatever_the_server_says() -> None:
    with pytest.raises(Refused):
        require_press(BOB, generation(private=True), "anyone")


def test_without_rules_pictures_are_painted_everywhere_for_everybody() -> None:
    require_place(ANN, {"5"})


def test_a_server_may_keep_pictures_to_channels_and_categories_and_says_where() -> None:
    require_place(ANN, {"5", "50"}, channels=("5",))
    require_place(ANN, {"7", "5"}, channels=("5",))  # a thread of it
    require_place(ANN, {"6", "50"}, channels=("50",))  # a channel of that category
    with pytest.raises(Refused) as refusal:
        require_place(MANAGER, {"6"}, channels=("5", "8"))
    assert refusal.value.values == {"channels": "<#5>, <#8>"}


def test_a_server_may_keep_asking_to_roles_and_its_managers_need_none() -> None:
    require_place(Person("1", guild_id="9", role_ids=frozenset({"77"})), {"5"}, roles=("77", "78"))
    require_place(MANAGER, {"5"}, roles=("77",))
    with pytest.raises(Refused) as refusal:
        require_place(ANN, {"5"}, roles=("77",))
    assert refusal.value.values == {"roles": "<@&77>"}


def test_a_direct_message_knows_no_such_rules() -> None:
    require_place(Person("1"), {"5"}, channels=("6",), roles=("77",))


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
