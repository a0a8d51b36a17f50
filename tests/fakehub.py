"""A hub of models on this machine: the few addresses that a download asks, and the faults it meets."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".bin")


@dataclass
class Hub:
    """One repository, its files, and how it misbehaves."""

    repository: str = "someone/paints"
    files: dict[str, bytes] = field(default_factory=dict)
    refuse: tuple[int, str] | None = None
    """The status and error code of every answer about the repository."""
    cut_after: int | None = None
    """Each answer with a large file breaks off after so many bytes."""
    ranges: bool = True
    url: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """The large files asked for, with their Range."""
    tokens: list[str | None] = field(default_factory=list)

    def entries(self) -> list[dict[str, Any]]:
        return [self._entry(name, content) for name, content in self.files.items()]

    def _entry(self, name: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        if name.endswith(LARGE):
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"oid": sha256, "sha256": sha256, "size": len(content), "pointerSize": 130}
        return entry | {"type": "file", "path": name, "rfilename": name, "blobId": entry["oid"]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.tokens.append(self.headers.get("Authorization"))
        if self.hub.refuse is not None:
            status, code = self.hub.refuse
            message = {"X-Error-Message": "Invalid credentials in Authorization header"} if status == 401 else {}
            self._answer(status, b"{}", message | ({"X-Error-Code": code} if code else {}))
        elif path.startswith(f"/api/models/{self.hub.repository}/revision/"):
            body = {"id": self.hub.repository, "sha": COMMIT, "siblings": self.hub.entries()}
            self._answer(200, json.dumps(body).encode())
        elif path.startswith(f"/api/models/{self.hub.repository}/tree/"):
            self._answer(200, json.dumps(self.hub.entries()).encode())
        elif path.startswith(f"/{self.hub.repository}/resolve/"):
            self._file(path.split("/", 5)[5])
        else:
            self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _file(self, name: str) -> None:
        content = self.hub.files.get(name)
        if content is None:
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        entry = self.hub._entry(name, content)
        etag = entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "X-Linked-Size": str(len(content))}
        wanted = self.headers.get("Range")
        if "lfs" in entry and self.command == "GET":
            self.hub.asked.append((name, wanted))
        status = 200
        if wanted and self.hub.ranges:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            status, content = 206, content[start:]
        self._answer(status, content, headers, self.hub.cut_after if "lfs" in entry else None)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None and cut < len(body):
            self.close_connection = True


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serves it at `hub.url` on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
