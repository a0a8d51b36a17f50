"""The panels of /settings and /me: whatever was written into them, in every language, they are what Discord takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import me, panels
from bot.defaults import GuildSettings
from bot.forms import Form, numbers_form, read_numbers, read_size
from bot.messages import Card
from bot.options import Options
from bot.style_editor import style_form
from bot.styles import BUILT_IN, MOST, Style, of_server
from bot.texts import Texts
from engine.catalog import Catalog
from engine.errors import InvalidRequest
from engine.privacy import Kept
from engine.types import PROMPT_LIMIT, Sampler
from tests.wire.rules import check_components, check_modal

TEXTS = Texts()
LANGUAGES = st.sampled_from(TEXTS.languages)
MODELS = [spec.key for spec in Catalog()] + [f"model-{n}" for n in range(40)]
SAY = TEXTS.speaker()

HOSTILE = st.one_of(
    st.text(min_size=1, max_size=1000).filter(str.strip),
    st.text(alphabet="\\`*_~|[]()<>#+-:@.!/", min_size=1, max_size=1000),
    st.just("🦊" * 500),
)
OPTIONS = st.builds(
    Options,
    model=st.none() | st.sampled_from([*MODELS, "gone"]),
    style=st.none() | st.sampled_from([*BUILT_IN, "gone", "none"]),
    negative_prompt=st.none() | HOSTILE.map(lambda text: text[:PROMPT_LIMIT]),
    num_inference_steps=st.none() | st.integers(1, 100),
    guidance_scale=st.none() | st.floats(0, 20),
    width=st.none() | st.just(2048),
    height=st.none() | st.just(2048),
    sampler=st.none() | st.sampled_from(Sampler),
    num_images=st.none() | st.integers(1, 4),
)
STYLES = st.builds(
    Style,
    name=HOSTILE.map(lambda text: text.strip()[:16] or "x"),
    prompt=HOSTILE.map(lambda text: text[:1000]),
    negative_prompt=HOSTILE.map(lambda text: text[:1000]),
    options=OPTIONS,
)


def valid(card: Card) -> None:
    check_components(card.to_components(), v2=True, file_names=())


def valid_form(form: Form) -> None:
    check_modal(form.to_dict())


@settings(deadline=None, max_examples=30)
@given(LANGUAGES, HOSTILE, st.integers(0, 25))
def test_the_first_page_fits(language: str, name: str, many: int) -> None:
    languages = [(tag, TEXTS.speaker(tag)("language")) for tag in TEXTS.languages] * 8
    distinct = [(f"{tag}{n}", word) for n, (tag, word) in enumerate(languages)]
    ids = range(10**18, 10**18 + many)
    valid(
        panels.server(GuildSettings(), TEXTS.speaker(language), name=name, languages=distinct, channels=ids, roles=ids)
    )


@settings(deadline=None, max_examples=30)
@given(LANGUAGES, st.sampled_from(["server", "me"]), OPTIONS, st.lists(STYLES, max_size=MOST))
def test_defaults_and_their_form_fit(language: str, scope: Any, options: Options, own: list[Style]) -> None:
    say = TEXTS.speaker(language)
    offered = [(key, style.name) for key, style in of_server({style.key: style for style in own}).items() if key]
    below = me.data_items(Kept(10**9, 10**9, 10**15), say)
    valid(panels.defaults(scope, options, say, models=MODELS, offered=offered, below=below))
    valid_form(numbers_form("easel:form:server", options.model_copy(update={"negative_prompt": None}), say))


@settings(deadline=None, max_examples=30)
@given(LANGUAGES, st.lists(STYLES, max_size=MOST), st.sets(st.sampled_from(sorted(BUILT_IN))))
def test_styles_and_their_form_fit(language: str, written: list[Style], hidden: set[str]) -> None:
    say = TEXTS.speaker(language)
    own: dict[str, Style | None] = {style.key: style for style in written if style.key}
    own |= dict.fromkeys(hidden)
    valid(panels.style_list(own, say))
    for key in [*list(own)[:3], "photo"]:
        valid(panels.style(key, own, say, models=MODELS))
    for key, style in list(of_server(own).items())[:3]:
        valid_form(style_form(key, style, say))


@settings(deadline=None, max_examples=30)
@given(LANGUAGES, st.integers(0, 10**9))
def test_the_confirmation_of_a_deletion_fits(language: str, many: int) -> None:
    valid(me.confirmation(Kept(many, many, many * 10**6), TEXTS.speaker(language)))


def test_a_shape_and_a_typed_size_take_each_others_place() -> None:
    shaped = panels.choose(Options(width=768, height=512, num_images=2), "aspect_ratio", ["3:2"])
    assert shaped == Options(aspect_ratio="3:2", num_images=2)
    assert panels.choose(shaped, "aspect_ratio", ["-"]) == Options(num_images=2)
    assert read_numbers({"size": "768×512"})["aspect_ratio"] is None
    assert "aspect_ratio" not in read_numbers({"size": ""})


@pytest.mark.parametrize("text", ["768x512", "768 × 512", "768*512", "768X512"])
def test_sizes_are_read_as_people_write_them(text: str) -> None:
    assert read_size(text) == {"width": 768, "height": 512}


@pytest.mark.parametrize("text", ["768", "x512", "768x512x3", "a lot", "²x²"])
def test_a_size_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match="768×512"):
        read_size(text)


def test_a_default_that_is_gone_is_shown_as_open() -> None:
    card = panels.defaults("me", Options(model="gone"), SAY, models=["tiny"], offered=[])
    [menu] = [item for item in card.walk_children() if getattr(item, "custom_id", "") == "easel:default:me:model"]
    assert [option.label for option in menu.options if option.default] == ["not set"]  # type: ignore[attr-defined]
