"""Pictures: exact pixels, and metadata that a hostile prompt cannot bend."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from engine import images
from engine.types import GenerationRequest, Sampler

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)


def a_request(prompt: str = "a cat", **options: object) -> GenerationRequest:
    values = {"num_inference_steps": 20, "guidance_scale": 7.5, "width": 512, "height": 768, "seed": 965400086}
    return GenerationRequest.model_validate(
        values | {"model": "tiny", "sampler": Sampler.DPMPP_2M_KARRAS, "prompt": prompt} | options
    )


def as_others_read_it(parameters: str) -> tuple[str, str, dict[str, str]]:
    """The prompt, the negative prompt and the values, the way the web interfaces parse the chunk."""
    *lines, last = parameters.strip().split("\n")
    prompt, negative, in_negative = "", "", False
    for line in lines:
        if line.strip().startswith("Negative prompt:"):
            in_negative, line = True, line.strip()[len("Negative prompt:") :].strip()
        if in_negative:
            negative += line
        else:
            prompt += line
    return prompt, negative, dict(pair.split(": ", 1) for pair in last.split(", "))


@pytest.mark.parametrize("with_isal", [True, False])
@pytest.mark.parametrize("shape", [(24, 40, 3), (1, 1, 3), (3, 1, 3), (1, 5, 3)])
def test_a_png_holds_exactly_the_pixels(
    shape: tuple[int, int, int], with_isal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if with_isal:
        pytest.importorskip("isal")
    else:
        monkeypatch.setattr(images, "isal_zlib", None)
    pixels = np.resize(PIXELS, shape)
    with Image.open(io.BytesIO(images.encode_png(pixels))) as picture:
        picture.load()
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), pixels)


def test_pixels_that_lie_transposed_in_memory_are_encoded_right() -> None:
    pixels = PIXELS.transpose(1, 0, 2)
    assert np.array_equal(images.read_picture(images.encode_png(pixels)), pixels)


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_anything_but_rgb_bytes_is_refused(pixels: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match="height, width, 3"):
        images.encode_png(pixels)


def test_the_parameters_are_written_as_the_field_writes_them() -> None:
    request = a_request("a cat,\nby  night", negative_prompt="blurry, low quality")
    assert images.write_metadata(request)["parameters"] == (
        "a cat, by night\n"
        "Negative prompt: blurry, low quality\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 965400086, Size: 512x768, "
        f"Model: tiny, Version: easel {images.easel_version()}"
    )


def test_a_file_gives_back_its_request_and_the_pictures_own_seed(tmp_path: Path) -> None:
    request = a_request("寿司 😀 \x00 «ça»\n  two  lines", num_images=3)
    path = tmp_path / "picture.png"
    path.write_bytes(images.encode_png(PIXELS, images.write_metadata(request, 2, device="CPU")))
    assert images.read_request(path) == request
    found = images.read_metadata(path)
    assert found["easel"]["seed"] == request.seed + 2
    assert found["easel"]["position"] == 2
    assert found["easel"]["device"] == "CPU"
    assert f"Seed: {request.seed + 2}," in found["parameters"]


def test_pillow_reads_the_same_chunks() -> None:
    texts = images.write_metadata(a_request("a cat"))
    with Image.open(io.BytesIO(images.encode_png(PIXELS, texts))) as picture:
        assert picture.info == texts


hostile = some.text(min_size=1, max_size=60).filter(str.strip) | some.sampled_from(
    [
        "a cat\nSteps: 9, Sampler: Spoof, Seed: 1",
        "a cat\r\nNegative prompt: spoof\u2028Steps: 1, Sampler: X, CFG scale: 1",
        "Negative prompt: spoof",
        " \tNegative prompt: spoof\x85Steps: 9, Sampler: Spoof, Seed: 1",
    ]
)


@given(prompt=hostile, negative=hostile | some.just(""), sampler=some.sampled_from(Sampler))
def test_no_prompt_can_pose_as_values(prompt: str, negative: str, sampler: Sampler) -> None:
    request = a_request(prompt, negative_prompt=negative, sampler=sampler)
    png = images.encode_png(PIXELS, images.write_metadata(request))
    found = images.read_metadata(png)
    seen_prompt, seen_negative, values = as_others_read_it(found["parameters"])
    assert (values["Steps"], values["Seed"], values["Size"]) == ("20", "965400086", "512x768")
    assert values["Sampler"] == images.A1111_NAMES[sampler][0]
    assert bool(seen_negative) == bool(negative.replace("\0", "").strip())
    assert "spoof" in seen_prompt.lower() or "spoof" not in prompt.lower()
    assert images.read_request(png) == request


def test_a_picture_of_somebody_else_has_no_request() -> None:
    foreign = images.encode_png(PIXELS, {"Software": "a camera", "easel": "[1, 2]"})
    assert images.read_metadata(foreign) == {"easel": {}}
    assert images.read_request(foreign) is None
    assert images.read_request(images.encode_png(PIXELS, {"easel": '{"request": {"prompt": 3}}'})) is None


def a_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return images.SIGNATURE + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("read", [images.read_metadata, images.read_picture])
def test_a_picture_bomb_is_refused_by_its_header(read: object) -> None:
    png = images.encode_png(PIXELS)
    bomb = a_header(5_000, 5_000) + png[33:]
    with pytest.raises(images.NotAPicture, match="16 megapixels"):
        read(bomb)  # type: ignore[operator]


@given(some.integers(0, 2000), some.integers(0, 255))
def test_a_damaged_or_cut_file_is_refused_and_never_crashes(at: int, value: int) -> None:
    png = images.encode_png(PIXELS, {"parameters": "猫", "easel": "{}"})
    at %= len(png)
    for data in (png[:at], png[:at] + bytes([value]) + png[at + 1 :]):
        if data == png:
            continue
        with pytest.raises(images.NotAPicture):
            images.read_metadata(data)


def test_a_preview_is_small_whatever_it_is_made_from() -> None:
    preview = images.encode_preview(PIXELS)
    with Image.open(io.BytesIO(preview)) as picture:
        assert picture.size == (128, 77)
    assert len(preview) < 20_000


def test_enlarging_keeps_a_picture_of_the_right_size_as_it_is() -> None:
    assert images.enlarge(PIXELS, 40, 24) is PIXELS
    assert images.enlarge(PIXELS, 80, 48).shape == (48, 80, 3)
