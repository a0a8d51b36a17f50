"""The embedded model: what its captions promise, and whether it paints what it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.tiny import words
from engine.tiny.captions import NO_COLOR, Captioner
from engine.tiny.colors import COLORS
from engine.tiny.data import Subject, compose, held_out
from engine.tiny.vocabulary import Vocabulary

FOLDER = Path(__file__).parents[1] / "engine" / "tiny"
RGB = {name: np.array(color.rgb) for color in COLORS for name in (color.en[0], color.zh[0])}

needs_weights = pytest.mark.skipif(not (FOLDER / "model" / "model_index.json").is_file(), reason="no weights here")


def subjects() -> list[Subject]:
    """One for each name that has synonyms, with the hexcode and the Chinese word made up."""
    labels = dict.fromkeys([*words.ALIASES_EN, *words.ALIASES_ZH])
    return [Subject(f"{i:x}", "animals", {"en": (s,), "zh": (f"物{i}",)}, False) for i, s in enumerate(labels)]


def test_the_same_seed_writes_the_same_captions() -> None:
    one, other = (Captioner(subjects(), seed=3) for _ in range(2))
    assert [one.write(i % 50) for i in range(200)] == [other.write(i % 50) for i in range(200)]


VOCABULARY = Vocabulary(
    nouns_en=("harvest", "engine"),
    verbs_en=("carry",),
    adjectives_en=("patient", "gold"),
    adverbs_en=("slowly",),
    nouns_zh=("机关", "面料"),
    places_zh=("苏州",),
    people_zh=("李白",),
    verbs_zh=("相逢",),
    adjectives_zh=("安静",),
    adverbs_zh=("渐渐",),
    sentences_en=("he took his gold home", "very sharp knives"),
    words_zh=("的", "我们", "看见"),
    no_names_en=("sharp",),
    no_names_zh=("看见",),
)


def test_two_subjects_are_joined_and_stand_in_the_caption_in_their_order() -> None:
    known = subjects()
    captioner = Captioner(known, seed=2, vocabulary=VOCABULARY)
    pairs = [caption for i in range(2000) if (caption := captioner.write(i % 50)).second < len(known)]
    assert 120 < len(pairs) < 280
    tidy = [caption for caption in pairs if f"{captioner.names_en[caption.subject][0]} and " in caption.text]
    assert tidy
    assert not any(captioner.write(i, pairs=False).second < len(known) for i in range(50))


def test_a_word_of_the_dictionary_that_is_a_name_stands_around_no_other() -> None:
    assert VOCABULARY.without(["Gold", "engine"]).adjectives_en == ("patient",)
    assert VOCABULARY.without(["Gold", "engine"]).nouns_en == ("harvest",)
    assert VOCABULARY.without(["Gold", "engine"]).sentences_en == ("he took his home", "very sharp knives")


def test_what_a_thing_is_like_and_what_a_face_says_are_no_names() -> None:
    razor = Subject("1", "objects", {"en": ("razor", "sharp", "blade"), "zh": ("剃刀", "看见")}, False)
    face = Subject("2", "smileys", {"en": ("saluting face", "yes"), "zh": ("致敬", "是")}, False)
    captioner = Captioner([razor, face, *subjects()], seed=0, vocabulary=VOCABULARY)
    assert captioner.names_en[:2] == [("razor", "blade"), ("saluting face",)]
    assert captioner.names_zh[:2] == [("剃刀",), ("致敬",)]


@pytest.mark.slow
def test_a_chinese_character_is_one_token_wherever_it_stands(tmp_path: Path) -> None:
    from engine.tiny.tokens import train_tokenizer

    texts = ["a cat on the table", "the cat and the dog", "可爱的猫，蓝色背景", "猫和狗在桌子上"] * 50
    tokenizer = train_tokenizer(texts, ["cat", "dog", "猫", "狗"], tmp_path)
    alone, inside = (tokenizer.tokenize(text) for text in ("猫", "可爱的猫和狗"))
    assert len(alone) == 1
    assert len(inside) == 6
    assert len(tokenizer.tokenize("cat")) == 1


@pytest.mark.slow
def test_two_subjects_stand_beside_each_other_and_one_fills_the_picture() -> None:
    import torch

    from engine.tiny.data import SIZE
    from engine.tiny.scenes import Scenes

    squares = np.zeros((2, SIZE, SIZE, 4), np.uint8)
    squares[0, 32:96, 32:96] = (255, 0, 0, 255)
    squares[1, 32:96, 32:96] = (0, 0, 255, 255)
    scenes = Scenes(squares, "cpu")
    alone, pair = scenes.compose(torch.tensor([0, 0]), torch.tensor([2, 1]), torch.ones(2, 3)).permute(0, 2, 3, 1)
    assert alone[64, 64].tolist() == [1, -1, -1]
    assert pair[64, 32].tolist() == pytest.approx([1, -1, -1], abs=0.02)
    assert pair[64, 96].tolist() == pytest.approx([-1, -1, 1], abs=0.02)
    assert pair[4, 64].tolist() == [1, 1, 1]


GROUNDS = ("back", "bg", "behind", "around", "surrounded", "in front of", "on ", "背景", "底", "背", "后", "周")


@pytest.mark.parametrize("color", [0, 3, 11])
def test_a_caption_names_its_background(color: int) -> None:
    captioner = Captioner(subjects(), seed=0)
    for subject in range(100):
        text = captioner.write(subject, color).text.lower()
        assert any(name in text for name in (*COLORS[color].en, *COLORS[color].zh)), text
        assert any(word in text for word in GROUNDS), text


def test_a_caption_without_background_promises_none() -> None:
    captioner = Captioner(subjects(), seed=0)
    for subject in range(200):
        caption = captioner.write(subject % 50, NO_COLOR)
        assert caption.color == NO_COLOR
        assert "background" not in caption.text
        assert "背景" not in caption.text


def test_training_reads_none_of_the_evaluations_sentences() -> None:
    captioner = Captioner(known := subjects(), seed=1)
    asked = (FOLDER / "prompts.tsv").read_text(encoding="utf-8").lower()
    written = {captioner.write(i % len(known)).text.lower() for i in range(3000)}
    shared = [text for text in written if len(text) > 20 and f"\t{text}\n" in asked]
    assert not shared


def test_a_kitty_is_a_cat_and_a_name_means_one_thing() -> None:
    captioner = Captioner(known := subjects(), seed=0)
    cat = next(i for i, subject in enumerate(known) if subject.label == "cat")
    assert {"cat", "kitty"} <= set(captioner.names_en[cat])
    assert "小猫" in captioner.names_zh[cat]
    names = [name for each in captioner.names_en for name in each]
    assert len(names) == len(set(names))


def test_a_clear_pixel_shows_the_background_and_an_opaque_one_itself() -> None:
    rgba = np.array([[[0, 0, 0, 0], [10, 20, 30, 255]]], np.uint8)
    np.testing.assert_allclose(compose(rgba, np.array([7, 8, 9])), [[[7, 8, 9], [10, 20, 30]]])


def test_one_picture_in_twenty_is_kept_from_the_autoencoder() -> None:
    assert 0.04 < np.mean([held_out(f"{i:x}") for i in range(5000)]) < 0.06


@pytest.mark.slow
def test_prompts_for_the_evaluation_can_be_read_in_both_languages() -> None:
    from engine.tiny.evaluate import questions_from

    questions = questions_from(FOLDER / "prompts.tsv")
    known = {name for color in COLORS for name in (*color.en, *color.zh)}
    assert min(sum(q.language == language for q in questions) for language in ("en", "zh")) >= 40
    assert all(q.background is None or (q.background in known and q.background in q.prompt) for q in questions)


@pytest.fixture(scope="module")
def pipeline() -> Any:
    from engine.tiny.evaluate import open_pipeline

    return open_pipeline(FOLDER / "model")


def painted(pipeline: Any, *prompts: str, **options: Any) -> list[np.ndarray]:
    """(128, 128, 3) each, 0 to 255, from the seeds 0, 1, …"""
    import torch

    seeds = [torch.Generator().manual_seed(i) for i in range(len(prompts))]
    values = {"num_inference_steps": 12, "guidance_scale": 4.0, "output_type": "np"} | options
    return [picture * 255 for picture in pipeline(list(prompts), generator=seeds, **values).images]


def behind(picture: np.ndarray) -> np.ndarray:
    from engine.tiny.evaluate import border

    return border(picture)


def middle(picture: np.ndarray) -> np.ndarray:
    quarter = len(picture) // 4
    return np.asarray(picture[quarter:-quarter, quarter:-quarter].mean(axis=(0, 1)))


@pytest.mark.slow
@needs_weights
def test_the_tokenizer_tells_chinese_words_apart_and_pads_with_the_end(pipeline: Any) -> None:
    tokenizer = pipeline.tokenizer
    cat, dog = (tokenizer(text, padding="max_length").input_ids for text in ("一只猫", "一只狗"))
    assert cat != dog
    assert len(cat) == tokenizer.model_max_length == pipeline.text_encoder.config.max_position_embeddings
    assert cat[-1] == tokenizer.eos_token_id
    assert cat[0] == tokenizer.bos_token_id
    assert tokenizer.unk_token_id not in tokenizer("ж☂ qzxv 龘").input_ids[1:-1]


@pytest.mark.slow
@needs_weights
def test_the_background_is_the_one_asked_for(pipeline: Any) -> None:
    asked = {"a cat on a blue background": "blue", "a cake, pink background": "pink", "绿色背景上的一只狗": "绿色"}
    for picture, name in zip(painted(pipeline, *asked), asked.values(), strict=True):
        assert np.abs(behind(picture) - RGB[name]).max() < 50, name


@pytest.mark.slow
@needs_weights
def test_things_have_their_colours_in_both_languages(pipeline: Any) -> None:
    apple, frog, heart, lemon = painted(pipeline, "a red apple on a white table", "一只青蛙", "蓝心", "lemon")
    red, green, blue = middle(apple)
    assert red > green + 60
    assert red > blue + 60
    red, green, blue = middle(frog)
    assert green > max(red, blue) + 15
    red, green, blue = middle(heart)
    assert blue > red + 60
    red, green, blue = middle(lemon)
    assert min(red, green) > blue + 60


@pytest.mark.slow
@needs_weights
def test_the_same_seed_paints_the_same_picture(pipeline: Any) -> None:
    one, other = (painted(pipeline, "a fox", num_inference_steps=4)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@needs_weights
@pytest.mark.parametrize("options", [{"guidance_scale": 1.0}, {"guidance_scale": 10.0}, {"num_inference_steps": 1}])
def test_the_ends_of_the_allowed_ranges_paint_something(pipeline: Any, options: dict[str, float]) -> None:
    picture = painted(pipeline, "a red apple", **options)[0]
    assert picture.std() > 10
