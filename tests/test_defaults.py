"""Nearest first: the request, its style, the person, the server, the model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.defaults import GuildSettings, PersonSettings, request
from bot.options import ASPECT_RATIOS, Options, shaped
from bot.styles import BUILT_IN, Style, find, of_server, offered
from bot.texts import Texts
from engine.catalog import BUILT_IN as MODELS
from engine.catalog import Catalog
from engine.errors import InvalidRequest, NotFound
from engine.types import GenerationRequest, Sampler

CATALOG = Catalog()
NOIR = Style(
    name="Noir",
    prompt="{prompt}, film noir",
    negative_prompt="colour",
    options=Options(num_inference_steps=11, sampler=Sampler.UNIPC),
)


def make(
    asked: Options | None = None, person: Options | None = None, server: Options | None = None, **settings: Any
) -> GenerationRequest:
    return request(
        CATALOG,
        "a fox",
        asked or Options(),
        person=PersonSettings(defaults=person or Options()),
        server=GuildSettings(defaults=server or Options(), styles={"noir": NOIR}, **settings),
        fallback="tiny",
    )


def test_where_nobody_says_anything_the_configured_model_decides() -> None:
    assert make() == CATALOG.request("tiny", "a fox")


def test_the_nearest_says_what_holds() -> None:
    server = Options(num_inference_steps=10, guidance_scale=2.0, sampler=Sampler.LCM, num_images=4)
    person = Options(guidance_scale=3.0, sampler=Sampler.EULER, num_images=2)
    made = make(Options(num_images=1, style="noir"), person, server)
    assert (made.num_inference_steps, made.guidance_scale, made.sampler, made.num_images) == (11, 3.0, "UniPC", 1)


def test_a_model_is_chosen_nearest_first_and_one_that_is_gone_is_passed_over() -> None:
    assert make(server=Options(model="sdxl-turbo")).model == "sdxl-turbo"
    assert make(person=Options(model="gone"), server=Options(model="sdxl-turbo")).model == "sdxl-turbo"
    assert make(Options(model="tiny"), server=Options(model="sdxl-turbo")).model == "tiny"
    with pytest.raises(NotFound):
        make(Options(model="gone"))


def test_a_default_that_does_not_fit_the_model_is_passed_over_but_a_wish_is_refused() -> None:
    made = make(Options(model="sdxl-turbo"), Options(num_inference_steps=30), Options(num_inference_steps=2))
    assert made.num_inference_steps == 2
    assert make(Options(model="sdxl-turbo"), Options(guidance_scale=7.5)).guidance_scale == 0
    with pytest.raises(InvalidRequest, match="num_inference_steps"):
        make(Options(model="sdxl-turbo", num_inference_steps=30))
    assert make(Options(model="flux-1-schnell"), Options(sampler=Sampler.DDIM)).sampler is Sampler.EULER
    with pytest.raises(InvalidRequest, match="sampler: 'DDIM' does not fit; allowed: Euler for flux-1-schnell"):
        make(Options(model="flux-1-schnell", sampler=Sampler.DDIM))


def test_a_size_is_one_decision() -> None:
    server, person = Options(width=1024, height=768), Options(model="stable-diffusion-xl-base", aspect_ratio="16:9")
    assert (make(person=person, server=server).width, make(person=person, server=server).height) == (1024, 576)
    asked = make(Options(height=512), person, server)
    assert (asked.width, asked.height) == (1024, 512)
    assert make(server=server).width == 512  # tiny paints no other size


def test_a_style_adds_its_words_and_none_takes_a_default_style_away() -> None:
    made = make(Options(style="Noir", negative_prompt="text"))
    assert (made.prompt, made.negative_prompt) == ("a fox, film noir", "text, colour")
    assert make(person=Options(style="noir")).prompt == "a fox, film noir"
    assert make(Options(style="none"), person=Options(style="noir")).prompt == "a fox"
    assert make(person=Options(style="gone"), server=Options(style="noir")).prompt == "a fox, film noir"
    with pytest.raises(NotFound, match="noir"):
        make(Options(style="gone"))


def test_a_style_without_a_place_for_the_words_stands_behind_them() -> None:
    assert Style(name="Ink", prompt="black ink").words("a fox") == "a fox, black ink"
    assert Style(name="Slow", prompt="").words("a fox") == "a fox"


def test_a_server_replaces_and_hides_built_in_styles() -> None:
    photo = Style(name="Photo", prompt="{prompt}, on film")
    own = {"photo": photo, "anime": None}
    assert find("PHOTO ", own) is photo
    assert "anime" not in of_server(own)
    assert find("anime", {}) is BUILT_IN["anime"]
    say = Texts().speaker()
    assert ("photo", "Photo") in offered(own, say)
    assert ("line-art", "Line art") in offered(own, say)


@given(st.sampled_from(MODELS), st.sampled_from(ASPECT_RATIOS))
def test_a_shape_is_painted_as_it_was_asked_for_or_refused_with_what_there_is(spec: Any, ratio: str) -> None:
    if spec.ranges.size[0] == spec.ranges.size[1] and ratio != "1:1":
        with pytest.raises(InvalidRequest) as refusal:
            shaped(spec, ratio)
        assert refusal.value.allowed == "1:1"
        return
    across, down = map(int, ratio.split(":"))
    width, height = shaped(spec, ratio)
    assert abs(width / height - across / down) < 0.03 * across / down
    spec.check("width", width)
    spec.check("height", height)


def test_a_shape_keeps_about_the_area_that_the_model_was_made_for() -> None:
    spec = CATALOG.get("stable-diffusion-2-1")
    assert shaped(spec, "1:1") == (768, 768)
    assert shaped(spec, "3:2") == (944, 624)
    with pytest.raises(InvalidRequest, match="aspect_ratio"):
        shaped(spec, "7:1")
