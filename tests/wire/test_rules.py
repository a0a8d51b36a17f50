"""Discord's rules for messages and modals, one refusal a line."""

from __future__ import annotations

import pytest

from tests.wire.errors import Refusal
from tests.wire.rules import check_message, check_modal
from tests.wire.state import JSON

TEXT = {"type": 10, "content": "hello"}


def button(custom_id: str = "go", **more: object) -> JSON:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": custom_id, **more}


def row(*children: JSON) -> JSON:
    return {"type": 1, "components": list(children)}


def menu(options: int = 1, **more: object) -> JSON:
    listed = [{"label": f"{n}", "value": f"{n}"} for n in range(options)]
    return {"type": 3, "custom_id": "menu", "options": listed, **more}


def gallery(count: int = 1, **more: object) -> JSON:
    return {"type": 12, "items": [{"media": {"url": "attachment://a.png"}, **more} for _ in range(count)]}


def check(payload: JSON, files: tuple[str, ...] = ("a.png",)) -> None:
    check_message(payload, v2=bool(payload.get("flags", 0) & 1 << 15), new=True, file_names=files)


def v2(*components: JSON) -> JSON:
    return {"flags": 1 << 15, "components": list(components)}


@pytest.mark.parametrize(
    "payload",
    [
        {"content": "x" * 2000},
        {"content": "hi", "components": [row(*(button(f"b{n}") for n in range(5))) for _ in range(1)]},
        v2(TEXT, gallery(10, description="d" * 1024), row(button())),
        v2({"type": 17, "components": [TEXT, gallery(), row(menu(25))]}),
        v2({"type": 9, "components": [TEXT], "accessory": button()}),
        v2(*[TEXT] * 40),
        {"embeds": [{"title": "t", "description": "d" * 4096}]},
    ],
)
def test_what_fits_is_taken(payload: JSON) -> None:
    check(payload)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"flags": 1 << 7, "content": "x"}, "flags"),
        ({"content": "x", "components": [TEXT]}, "components.0.type"),
        ({"content": "x", "components": [row(button())] * 6}, "components"),
        ({"flags": 1 << 15, "components": [TEXT], "content": "x"}, "cannot be used with IS_COMPONENTS_V2"),
        (v2(), "needs components"),
        (v2(*[TEXT] * 41), "40"),
        (v2({"type": 17, "components": [TEXT] * 40}), "At most 40"),
        (v2(*[{"type": 10, "content": "x" * 2001}] * 2), "4000 characters"),
        (v2(row(*(button(f"b{n}") for n in range(6)))), "between 1 and 5"),
        (v2(row(button("")), row(button())), "custom_id"),
        (v2(row(button("x" * 101))), "custom_id"),
        (v2(row(button()), row(button())), "duplicated"),
        (v2(row(button(label="x" * 81))), "label"),
        (v2(row(button(label=None))), "label or an emoji"),
        (v2(row(button(url="https://example.org"))), "cannot both"),
        (v2(row(menu(), button())), "action row of its own"),
        (v2(row(menu(26))), "options"),
        (v2(row(menu(0))), "options"),
        (v2(row(menu(max_values=2))), "max_values"),
        (v2(gallery(11)), "items"),
        (v2(gallery(description="d" * 1025)), "description"),
        (v2({"type": 12, "items": [{"media": {"url": "attachment://b.png"}}]}), "not found"),
        (v2({"type": 12, "items": [{"media": {"url": "file:///etc/passwd"}}]}), "Scheme"),
        (v2({"type": 17, "components": [{"type": 17, "components": [TEXT]}]}), "type"),
        (v2(TEXT | {"id": 3}, TEXT | {"id": 3}), "used twice"),
        ({"embeds": [{"description": "x" * 4097}]}, "description"),
        ({"embeds": [{"description": "x" * 4000}] * 2}, "6000"),
        ({"embeds": [{"fields": [{"name": "n", "value": ""}]}]}, "value"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "mutually exclusive"),
    ],
)
def test_what_does_not_fit_is_refused(payload: JSON, why: str) -> None:
    with pytest.raises(Refusal, match="Invalid Form Body") as refused:
        check(payload)
    assert why in str(refused.value)


def test_an_empty_message_is_refused() -> None:
    with pytest.raises(Refusal, match="empty message"):
        check({"content": ""}, files=())


def label(component: JSON, text: str = "A label") -> JSON:
    return {"type": 18, "label": text, "component": component}


def modal(*components: JSON, title: str = "A modal") -> JSON:
    return {"custom_id": "modal", "title": title, "components": list(components)}


FIELD = {"type": 4, "custom_id": "field", "style": 1}
RADIO = {"type": 21, "custom_id": "radio", "options": [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}]}


def test_a_modal_of_every_kind_of_field_is_taken() -> None:
    upload = {"type": 19, "custom_id": "upload", "required": False, "min_values": 0}
    check_modal(modal(label(FIELD), label(menu()), label(RADIO), label(upload), TEXT))


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (modal(), "between 1 and 5"),
        (modal(*[TEXT] * 6), "between 1 and 5"),
        (modal(TEXT, title="x" * 46), "title"),
        (modal(label(FIELD, "x" * 46)), "label"),
        (modal(label(FIELD | {"max_length": 4001})), "max_length"),
        (modal(label(FIELD | {"value": "abc", "max_length": 2})), "value"),
        (modal(label(FIELD | {"placeholder": "x" * 101})), "placeholder"),
        (modal(row(button())), "type"),
        (modal(label(RADIO | {"options": RADIO["options"][:1]})), "options"),  # type: ignore[index]
        (modal(label(menu(min_values=0))), "at least 1"),
        (modal(label(FIELD), label(FIELD)), "duplicated"),
    ],
)
def test_a_modal_that_does_not_fit_is_refused(form: JSON, why: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_modal(form)
    assert why in str(refused.value)
