"""Prompts with weights: what people write, and what it means."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.prompting import WEIGHTS, Fragment, parse, plain

WORDS = st.text(st.characters(exclude_characters="()[]\\（）", exclude_categories=["Cs"]))
"""Text without any sign."""

ANYTHING = st.one_of(
    st.text(), st.text("()[]（）:：\\ .0123456789-+ae红"), st.lists(st.sampled_from("([)]:a1"), min_size=50)
)


def weights(prompt: str) -> list[tuple[str, float]]:
    return [(fragment.text, fragment.weight) for fragment in parse(prompt)]


@pytest.mark.parametrize(
    ("prompt", "meaning"),
    [
        ("", []),
        ("a red apple", [("a red apple", 1)]),
        ("a (red) apple", [("a ", 1), ("red", 1.1), (" apple", 1)]),
        ("a ((red)) apple", [("a ", 1), ("red", 1.21), (" apple", 1)]),
        ("a [red] apple", [("a ", 1), ("red", 0.9091), (" apple", 1)]),
        ("(red:1.4) apple", [("red", 1.4), (" apple", 1)]),
        ("(red:.5) apple", [("red", 0.5), (" apple", 1)]),
        ("(red : 1.4 ) apple", [("red ", 1.4), (" apple", 1)]),
        ("(a (red) apple:1.5)", [("a ", 1.5), ("red", 1.65), (" apple", 1.5)]),
        ("((red:1.2):1.3)", [("red", 1.56)]),
        ("([red])", [("red", 1)]),
        ("super(man:1.3)", [("super", 1), ("man", 1.3)]),
    ],
)
def test_brackets_weigh_what_stands_in_them(prompt: str, meaning: list[tuple[str, float]]) -> None:
    assert weights(prompt) == meaning


def test_a_weight_of_one_is_none() -> None:
    assert weights("a (red:1.0) apple") == [("a red apple", 1)]


@pytest.mark.parametrize("prompt", ["a cat :)", ":( a cat", "[ a cat", "cat]", "it is 12:30)", "f(x", "(a [", ")("])
def test_a_bracket_without_its_partner_is_text(prompt: str) -> None:
    assert weights(prompt) == [(prompt, 1)]


def test_a_bracket_without_its_partner_is_text_also_between_others() -> None:
    assert weights("(a [b:1.3) c]") == [("a [b", 1.3), (" c]", 1)]


@pytest.mark.parametrize(
    ("prompt", "words"), [("(a:abc)", "a:abc"), ("(a:1.2.3)", "a:1.2.3"), ("(16:9 photo)", "16:9 photo")]
)
def test_what_is_no_number_is_no_weight(prompt: str, words: str) -> None:
    assert weights(prompt) == [(words, 1.1)]


def test_square_brackets_take_no_number() -> None:
    assert weights("[a:1.5]") == [("a:1.5", 0.9091)]


def test_brackets_around_nothing_are_nothing() -> None:
    assert weights("(:1.2)()[]((:3))") == []


@pytest.mark.parametrize(("prompt", "weight"), [("(a:99)", 2), ("(a:-3)", 0), ("((((((((a))))))))", 2), ("(a:0)", 0)])
def test_weights_end_where_pictures_would(prompt: str, weight: float) -> None:
    assert weights(prompt) == [("a", weight)]


def test_what_a_backslash_precedes_is_text() -> None:
    assert weights(r"a bear \(black\), \[x\], C:\\art \n") == [("a bear (black), [x], C:\\art \\n", 1)]
    assert weights(r"(a \(b\):1.3)") == [("a (b)", 1.3)]


def test_brackets_of_a_chinese_keyboard_weigh_as_well() -> None:
    assert weights("（红色：1.4）苹果") == [("红色", 1.4), ("苹果", 1)]
    assert weights("（红色:１.４)苹果，很（（大））") == [("红色", 1.4), ("苹果，很", 1), ("大", 1.21)]


@given(ANYTHING.map("".join))
@example("((a:0):" + "9" * 400 + ")")
@example("(" * 1000 + "a" + ":9999)" * 200)
def test_whatever_is_typed_means_something(prompt: str) -> None:
    fragments = parse(prompt)
    lowest, highest = WEIGHTS
    assert all(fragment.text and lowest <= fragment.weight <= highest for fragment in fragments)
    assert all(one.weight != other.weight for one, other in pairwise(fragments))


@given(ANYTHING.map("".join))
def test_the_words_stay_in_their_order(prompt: str) -> None:
    rest = iter(prompt)
    assert all(letter in rest for letter in plain(prompt))


@given(WORDS)
def test_text_without_signs_is_itself(text: str) -> None:
    assert parse(text) == ([Fragment(text)] if text else [])


@given(ANYTHING.map("".join))
def test_everything_can_be_written_with_backslashes(text: str) -> None:
    assert parse(re.sub(r"[()\[\]\\（）]", r"\\\g<0>", text)) == ([Fragment(text)] if text else [])


@given(WORDS.filter(bool), st.floats(*WEIGHTS).map(lambda weight: round(weight, 2)))
def test_a_weight_that_is_written_is_the_one_that_counts(text: str, weight: float) -> None:
    assert parse(f"({text}:{weight})") == [Fragment(text, weight)]
