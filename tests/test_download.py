"""Downloads: what is fetched, going on after an interruption, and what is said when it cannot be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from engine import download, hub
from engine.catalog import ModelSpec
from engine.errors import ModelUnavailable
from engine.painting import Stopped
from tests.fakehub import Hub, serving

SPEC = ModelSpec(key="paints", repository="someone/paints", variant="fp16")
UNET = bytes(range(256)) * 4000
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "image_encoder": [None, None],
}
FILES = {
    "model_index.json": json.dumps(INDEX).encode(),
    "README.md": b"# Paints",
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": b"full" + UNET,
    "unet/diffusion_pytorch_model.fp16.safetensors": UNET,
    "unet/diffusion_pytorch_model.bin": b"a pickle",
    "tokenizer/vocab.json": b"{}",
    "tokenizer/merges.txt": b"",
    "tokenizer/chat_template.jinja": b"{{ messages }}",
    "safety_checker/config.json": b"{}",
    "safety_checker/model.safetensors": b"unwanted",
}
WANTED = {
    "model_index.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "tokenizer/chat_template.jinja",
}


class Fetched(NamedTuple):
    folder: Path
    reports: list[tuple[float | None, str]]


@pytest.fixture
def a_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "_REPORT_EVERY_S", 0)
    monkeypatch.setattr(download, "_sleep", lambda seconds, progress: None)
    with serving(Hub(files=dict(FILES))) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield hub
        close_session()


def fetch(models_dir: Path, stop_after: float = 2.0) -> Fetched:
    reports: list[tuple[float | None, str]] = []
    folder = download.fetch(
        SPEC,
        models_dir,
        lambda fraction, text: reports.append((fraction, text)),
        lambda: bool(reports) and (reports[-1][0] or 0) >= stop_after,
    )
    return Fetched(folder, reports)


def test_only_the_files_that_paint_are_fetched(a_hub: Hub, tmp_path: Path) -> None:
    folder, reports = fetch(tmp_path)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == WANTED
    assert (folder / "unet/diffusion_pytorch_model.fp16.safetensors").read_bytes() == UNET
    fractions = [fraction for fraction, _ in reports if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert hub.sizes_on_disk([SPEC], tmp_path).keys() == {"paints"}


def test_what_is_here_is_not_asked_for_again(a_hub: Hub, tmp_path: Path) -> None:
    first = fetch(tmp_path)
    a_hub.refuse = (500, "")
    assert fetch(tmp_path) == Fetched(first.folder, [])


def test_the_plain_weights_are_taken_where_there_is_no_variant(a_hub: Hub, tmp_path: Path) -> None:
    del a_hub.files["unet/diffusion_pytorch_model.fp16.safetensors"]
    folder, _ = fetch(tmp_path)
    assert (folder / "unet/diffusion_pytorch_model.safetensors").read_bytes() == b"full" + UNET


def test_a_download_that_was_stopped_goes_on_where_it_stopped(a_hub: Hub, tmp_path: Path) -> None:
    a_hub.cut_after = 600_000
    with pytest.raises(Stopped):
        fetch(tmp_path, stop_after=0.5)
    assert hub.sizes_on_disk([SPEC], tmp_path) == {}
    a_hub.cut_after = None
    a_hub.asked.clear()
    folder, _ = fetch(tmp_path)
    [(name, wanted)] = a_hub.asked
    assert wanted is not None
    assert int(wanted.removeprefix("bytes=").removesuffix("-")) > 500_000
    assert (folder / name).read_bytes() == UNET


def test_a_connection_that_breaks_is_opened_again(a_hub: Hub, tmp_path: Path) -> None:
    a_hub.cut_after = 300_000
    folder, _ = fetch(tmp_path)
    assert (folder / "unet/diffusion_pytorch_model.fp16.safetensors").read_bytes() == UNET
    assert len(a_hub.asked) == 4


def test_a_server_without_ranges_starts_from_the_beginning(a_hub: Hub, tmp_path: Path) -> None:
    a_hub.cut_after = 600_000
    with pytest.raises(Stopped):
        fetch(tmp_path, stop_after=0.5)
    a_hub.cut_after, a_hub.ranges = None, False
    folder, _ = fetch(tmp_path)
    assert (folder / "unet/diffusion_pytorch_model.fp16.safetensors").read_bytes() == UNET


def test_a_connection_that_gives_nothing_ends_the_download_with_what_to_do(a_hub: Hub, tmp_path: Path) -> None:
    a_hub.cut_after = 0
    with pytest.raises(ModelUnavailable, match=r"cannot be reached.*What was fetched so far is kept"):
        fetch(tmp_path)


def test_bytes_that_are_not_what_the_hub_promised_are_thrown_away(
    a_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = a_hub.entries()
    monkeypatch.setattr(a_hub, "entries", lambda: entries)
    a_hub.files["unet/diffusion_pytorch_model.fp16.safetensors"] = UNET[::-1]
    with pytest.raises(ModelUnavailable, match="arrived damaged"):
        fetch(tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_a_full_disk_is_found_before_the_download_starts(
    a_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=download.SPARE_BYTES + len(UNET) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ModelUnavailable, match=r"0\.5 GB free.*models_dir"):
        fetch(tmp_path)
    assert a_hub.asked == []


@pytest.mark.parametrize(
    ("refuse", "token", "says"),
    [
        ((403, "GatedRepo"), None, r"is gated.*Accept its terms at http.*/someone/paints.*set it as HF_TOKEN"),
        ((403, "GatedRepo"), "hf_mine", r"is gated.*your HF_TOKEN is of the account that was accepted"),
        ((404, "RepoNotFound"), None, r"no public repository someone/paints.*\[repositories\].*set HF_TOKEN"),
        ((404, "RevisionNotFound"), None, "has no revision"),
        ((401, ""), "hf_old", r"does not accept your HF_TOKEN.*Make a new one"),
        ((500, ""), None, r"error \(500\).*Try again later"),
    ],
)
def test_a_refusal_says_what_to_do(
    a_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: tuple[int, str], token: str | None, says: str
) -> None:
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    a_hub.refuse = refuse
    with pytest.raises(ModelUnavailable, match=says):
        fetch(tmp_path)
    assert a_hub.tokens[-1] == (f"Bearer {token}" if token else None)


def test_without_a_network_it_says_so(a_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match=r"cannot be reached.*https_proxy"):
        fetch(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_index.json": None}, "no diffusers pipeline"),
        ({"unet/config.json": b"{}", "unet/diffusion_pytorch_model.safetensors": None}, "can run code"),
    ],
)
def test_a_repository_that_cannot_be_used_is_refused_before_anything_large_is_fetched(
    a_hub: Hub, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    a_hub.files.pop("unet/diffusion_pytorch_model.fp16.safetensors")
    for name, content in change.items():
        if content is None:
            del a_hub.files[name]
        else:
            a_hub.files[name] = content
    with pytest.raises(ModelUnavailable, match=says):
        fetch(tmp_path)
    assert a_hub.asked == []


def test_a_local_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    spec = ModelSpec(key="mine", repository=str(tmp_path / "missing.safetensors"))
    with pytest.raises(ModelUnavailable, match=r"missing\.safetensors is not there"):
        download.fetch(spec, None, lambda fraction, text: None, lambda: False)
