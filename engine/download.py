"""Fetching a model from the hub into the hub's own cache, where other programs find it too.

The hub's library starts an interrupted file anew. The weights are gigabytes, so they are fetched here, into a `.part`
beside their final place, and go on where they stopped; the library then does the rest (small files, links, refs).
Runs in the worker, and takes proxies, tokens and the endpoint from the environment, as the library does.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import httpx2
from huggingface_hub import HfApi, constants, get_token, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from engine import hub
from engine.catalog import ModelSpec
from engine.errors import ModelUnavailable
from engine.painting import Report, ShouldStop, Stopped

log = logging.getLogger("engine.worker")

SPARE_BYTES = 500_000_000
"""What stays free on the disk after a download."""

_TRIES = 5
_TIMEOUT_S = 30.0
_REPORT_EVERY_S = 0.5


def fetch(spec: ModelSpec, models_dir: Path | None, report: Report, should_stop: ShouldStop) -> Path:
    """The model's folder or file on this disk; downloaded first where it is not wholly there.

    Raises ModelUnavailable with what to do, and Stopped; what was fetched until then is kept, and the next try goes on.
    """
    if hub.is_local(spec.repository):
        place = Path(spec.repository).expanduser()
        if not place.exists():
            hint = "Check its repository in config.toml."
            raise ModelUnavailable(spec.key, f"{place.name} is not there.", hint, f"It should be {place}.")
        return place
    found = hub.snapshot(spec, models_dir)
    if found is not None and hub.size_on_disk(spec, models_dir) is not None:
        return found
    with _explained(spec):
        return _download(spec, hub.cache_folder(models_dir), report, should_stop)


def _download(spec: ModelSpec, cache: Path, report: Report, should_stop: ShouldStop) -> Path:
    report(None, f"Looking up {spec.repository}")
    revision = spec.revision or constants.DEFAULT_REVISION
    info = HfApi().model_info(spec.repository, revision=revision, files_metadata=True, timeout=_TIMEOUT_S)
    commit = str(info.sha)
    files = {file.rfilename: file for file in info.siblings or []}
    if hub.INDEX not in files:
        raise ModelUnavailable(
            spec.key,
            f"{spec.repository} is no diffusers pipeline (it has no {hub.INDEX}).",
            "Choose a diffusers repository, or download its .safetensors file and name that.",
        )
    index = json.loads(Path(hf_hub_download(spec.repository, hub.INDEX, revision=commit, cache_dir=cache)).read_text())
    try:
        components = hub.plan(files, index, spec.variant)
    except hub.Incomplete as problem:
        raise ModelUnavailable(spec.key, f"in {spec.repository} {problem}.", "Choose another repository.") from None

    blobs = cache / f"models--{spec.repository.replace('/', '--')}" / "blobs"
    weights = {file: files[file] for component in components for file in component.weights}
    wanted = {
        file: stored.lfs for file, stored in weights.items() if stored.lfs and not (blobs / stored.lfs.sha256).exists()
    }
    progress = _Progress(spec.key, sum(lfs.size for lfs in wanted.values()), report, should_stop)
    blobs.mkdir(parents=True, exist_ok=True)
    with _alone(blobs, progress):
        parts = {file: blobs / f"{lfs.sha256}.part" for file, lfs in wanted.items()}
        progress.done = sum(part.stat().st_size for part in parts.values() if part.exists())
        _check_room(spec, cache, progress.total - progress.done)
        for file, lfs in wanted.items():
            url = hf_hub_url(spec.repository, file, revision=commit)
            _fetch_file(url, parts[file], lfs.size, lfs.sha256, progress)
            parts[file].rename(blobs / lfs.sha256)
    names = [hub.INDEX, *(file for component in components for file in component.files)]
    return Path(snapshot_download(spec.repository, revision=revision, cache_dir=cache, allow_patterns=names))


class _Progress:
    """The bytes of all the files together, told at most twice a second."""

    def __init__(self, key: str, total: int, report: Report, should_stop: ShouldStop) -> None:
        self.key, self.total, self.done = key, total, 0
        self._report, self._should_stop, self._told_at = report, should_stop, 0.0

    def check(self) -> None:
        if self._should_stop():
            raise Stopped

    def add(self, count: int) -> None:
        self.done += count
        self.check()
        if time.monotonic() - self._told_at > _REPORT_EVERY_S:
            self._told_at = time.monotonic()
            text = f"Downloading {self.key}: {self.done / 1e9:.2f} of {self.total / 1e9:.2f} GB"
            self._report(self.done / self.total if self.total else None, text)

    def wait(self, text: str) -> None:
        self._report(None, text)


@contextlib.contextmanager
def _alone(blobs: Path, progress: _Progress) -> Iterator[None]:
    """Only one process writes these parts."""
    lock = filelock.FileLock(blobs / "easel.lock")
    while True:
        try:
            lock.acquire(timeout=1)
            break
        except filelock.Timeout:
            progress.check()
            progress.wait("Waiting for another program that downloads this model")
    try:
        yield
    finally:
        lock.release()


def _check_room(spec: ModelSpec, cache: Path, needed: int) -> None:
    free = shutil.disk_usage(cache).free
    if free < needed + SPARE_BYTES:
        reason = f"it takes {needed / 1e9:.1f} GB more, and {cache} has {free / 1e9:.1f} GB free."
        raise ModelUnavailable(spec.key, reason, "Make room, or set engine.models_dir to a larger disk.")


def _fetch_file(url: str, part: Path, size: int, sha256: str, progress: _Progress) -> None:
    """Goes on with `part` until it is whole, over several connections where one breaks."""
    for attempt in range(1, _TRIES + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _continue_file(url, part, size, progress)
            break
        except (httpx2.TransportError, _CutShort) as error:
            if attempt == _TRIES:
                raise
            log.warning("the download of %s broke off (%s); going on", url.rpartition("/")[2], error)
            got_some = part.exists() and part.stat().st_size > before
            _sleep(0.0 if got_some else min(2.0**attempt, 10.0), progress)
    if _sha256(part, progress) != sha256:
        part.unlink()
        raise _CutShort(f"{url.rpartition('/')[2]} arrived damaged")


class _CutShort(Exception):
    """The connection ended before the file did, or its bytes are not what the hub says they are."""


def _continue_file(url: str, part: Path, size: int, progress: _Progress) -> None:
    with part.open("ab") as file:
        have = file.tell()
        if have >= size:
            return
        headers = build_hf_headers() | ({"Range": f"bytes={have}-"} if have else {})
        with get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT_S) as response:
            hf_raise_for_status(response)
            if have and response.status_code != httpx2.codes.PARTIAL_CONTENT:  # the server starts from the beginning
                progress.done -= have
                file.truncate(0)
            for chunk in response.iter_bytes():  # as they come: gathered chunks would be lost where it breaks off
                file.write(chunk)
                progress.add(len(chunk))
    if part.stat().st_size < size:
        raise _CutShort("the connection was closed early")


def _sleep(seconds: float, progress: _Progress) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        progress.check()
        time.sleep(0.1)


def _sha256(file: Path, progress: _Progress) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 23):
            digest.update(chunk)
            progress.check()
    return digest.hexdigest()


@contextlib.contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """What the hub or the network says, as what happened and what to do."""
    try:
        yield
    except (HfHubHTTPError, httpx2.TransportError, LocalEntryNotFoundError, _CutShort, OSError, ImportError) as error:
        reason, hint = _words(spec, error)
        raise ModelUnavailable(spec.key, reason, hint) from None


def _words(spec: ModelSpec, error: Exception) -> tuple[str, str]:
    tokens = f"{constants.ENDPOINT}/settings/tokens"
    match error:
        case GatedRepoError():
            hint = f"Accept its terms at {constants.ENDPOINT}/{spec.repository}, then "
            if get_token():
                hint += "see that your HF_TOKEN is of the account that was accepted, and may read gated repositories."
            else:
                hint += f"make a token with read access at {tokens} and set it as HF_TOKEN."
            return f"{spec.repository} is gated: its owner asks who uses it.", hint
        case RevisionNotFoundError():
            return f"{spec.repository} has no revision {spec.revision!r}.", "Check its revision in config.toml."
        case RepositoryNotFoundError() | RemoteEntryNotFoundError():
            hint = "It may have been withdrawn: name another under [repositories] in config.toml. If it is private, "
            hint += "see that your HF_TOKEN may read it." if get_token() else "set HF_TOKEN."
            return f"the hub has no public repository {spec.repository}.", hint
        case HfHubHTTPError(response=response) if response.status_code == httpx2.codes.UNAUTHORIZED:
            return "the hub does not accept your HF_TOKEN.", f"Make a new one at {tokens}, or unset it."
        case HfHubHTTPError(response=response):
            return f"the hub answered with an error ({response.status_code}).", "Try again later."
        case OSError(errno=errno.ENOSPC | errno.EACCES | errno.EROFS | errno.EDQUOT | errno.EFBIG):
            reason = f"its files cannot be written ({error.strerror})."
            return reason, "Make room, or set engine.models_dir to another disk."
    reason = f"it is not on this disk, and {constants.ENDPOINT} cannot be reached ({str(error).splitlines()[0]})."
    return reason, "Check the network; a proxy is taken from https_proxy or all_proxy. What was fetched so far is kept."
