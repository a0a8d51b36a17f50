"""What pictures say of themselves, whoever wrote them; and what hostile ones do not do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import attachments, metadata
from engine.catalog import Catalog
from engine.images import NotAPicture, encode_png, write_metadata
from engine.types import Sampler
from tests import pictures

READ = {"steps": "28", "cfg": "6.5", "seed": "1234", "size": "512×768"}


@pytest.mark.parametrize(
    ("generator", "data", "sampler", "model"),
    [
        ("AUTOMATIC1111", pictures.a1111(), "DPM++ 2M Karras", "sd_xl_turbo"),
        ("AUTOMATIC1111", pictures.picture("JPEG", exif=pictures.comment(pictures.A1111)), "DPM++ 2M Karras", None),
        ("AUTOMATIC1111", pictures.picture("WEBP", exif=pictures.comment(pictures.A1111)), "DPM++ 2M Karras", None),
        ("InvokeAI", pictures.invoke(), "dpmpp_2m_k", "sdxl-turbo"),
        ("ComfyUI", pictures.comfy(), "dpmpp_2m karras", "sdxl-turbo.safetensors"),
    ],
    ids=["a1111 png", "a1111 jpeg", "a1111 webp", "invokeai", "comfyui"],
)
def test_the_parameters_of_other_programs_are_read(
    generator: str, data: bytes, sampler: str, model: str | None
) -> None:
    read = metadata.read(data)
    assert read is not None
    assert (read.generator, read.prompt, read.negative_prompt) == (
        generator,
        "a lighthouse, evening light",
        "people, text",
    )
    assert dict(read.values) | READ | {"sampler": sampler} == dict(read.values)
    if model:
        assert read.values["model"] == model
    assert metadata.options(read, Catalog()).sampler is Sampler.DPMPP_2M_KARRAS


def test_our_own_are_read_exactly_each_with_its_own_seed() -> None:
    request = Catalog().request("tiny", "a fox,\nNegative prompt: none", seed=7, num_images=4)
    read = metadata.read(encode_png(np.zeros((8, 8, 3), np.uint8), write_metadata(request, 2)))
    assert read is not None
    assert (read.generator, read.request, read.values["seed"]) == ("Easel", request, "9")


def test_ours_made_smaller_for_discord_still_says_what_made_it() -> None:
    request = Catalog().request("tiny", "a fox", seed=7)
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    small = attachments.fit("x", encode_png(noise, write_metadata(request)), 40_000)
    assert small is not None
    read = metadata.read(small.data)
    assert read is not None
    assert (read.generator, read.prompt, read.values["seed"], read.values["model"]) == ("Easel", "a fox", "7", "tiny")


def test_what_is_known_here_is_taken_over_and_the_rest_is_left_open() -> None:
    known = metadata.Parameters("X", "a", "b", {"model": "sdxl_turbo.safetensors", "sampler": "Heun", "steps": "900"})
    options = metadata.options(known, Catalog())
    assert (options.model, options.sampler, options.num_inference_steps) == ("sdxl-turbo", None, None)
    assert options.negative_prompt == "b"


@pytest.mark.parametrize(
    "data",
    [
        pictures.picture(),
        pictures.picture("JPEG"),
        pictures.picture(parameters="just a title"),
        pictures.picture(prompt="[" * 100_000, workflow="{}"),
        pictures.picture(invokeai_metadata="[1, 2]"),
        pictures.picture(invokeai_metadata=json.dumps({"scheduler": [1], "positive_prompt": {"a": 1}, "model": 5})),
        pictures.picture(Dream='"' + " " * 200_000),
        pictures.picture(prompt=json.dumps({str(n): {} for n in range(5000)}), workflow='{"links": []}'),
        pictures.picture("WEBP", exif=pictures.comment("x" * 100)),
    ],
    ids=["png", "jpeg", "title", "deep", "list", "types", "blanks", "graph", "comment"],
)
def test_a_picture_that_says_nothing_sensible_says_nothing(data: bytes) -> None:
    assert metadata.read(data) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", pictures.bomb(), pictures.swollen(), pictures.a1111()[:-20], b"\xff\xd8\xff" + b"x" * 50],
    ids=["empty", "gif", "bomb", "swollen", "cut short", "broken jpeg"],
)
def test_what_is_no_picture_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        metadata.read(data)


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_breaks_the_reader(first: str, second: str) -> None:
    texts = [first, second, f'{{"sampler": {json.dumps(second)}}}']
    for text in texts:
        clean = text.replace("\0", "").encode("utf-8", "replace").decode()
        for name in ("parameters", "prompt", "workflow", "Dream", "sd-metadata", "invokeai_metadata", "Comment"):
            metadata.read(pictures.picture(**{name: clean}))
