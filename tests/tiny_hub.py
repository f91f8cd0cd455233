"""A hub on this machine, as far as fetching a model needs one: its API for a model, and its files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "c0ffee" + "0" * 34


@dataclass
class TinyHub:
    """Serves `files` as the commit of every repository. Bytes of `spoilt` ones differ from what it names; the
    first answer for a file of `cut` ends after so many bytes. `asked` are requests: method, path and range.
    """

    files: dict[str, bytes]
    address: str = ""
    spoilt: set[str] = field(default_factory=set)
    cut: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    licence: str = "apache-2.0"
    commit: str = COMMIT
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def about(self) -> dict[str, Any]:
        """The API's answer: large files by SHA-256, small ones by git's SHA-1."""
        siblings = []
        for name, data in self.files.items():
            about: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git_sha1(data)}
            if name.endswith(".safetensors"):
                about["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 1}
            siblings.append(about)
        return {
            "id": "a/b",
            "sha": self.commit,
            "siblings": siblings,
            "cardData": {"license": self.licence},
            "tags": [],
        }

    def fetched(self, name: str) -> list[str]:
        """The ranges in which a file was asked for."""
        return [part for method, path, part in self.asked if method == "GET" and path.endswith(f"/{name}")]


def sha256(data: bytes) -> str:
    """As the hub names large files."""
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    """As git names files."""
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


@contextmanager
def tiny_hub(folder: Path, **more: bytes) -> Iterator[TinyHub]:
    """A hub with a folder's files."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    hub = TinyHub({**files, **more})
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(hub: TinyHub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        served = hub

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: TinyHub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """What a file is."""
        self._serve()

    def do_GET(self) -> None:
        """A file, or what the API says."""
        self._serve()

    def _serve(self) -> None:
        path = self.path.partition("?")[0]
        self.served.asked.append((self.command, path, self.headers.get("Range", "")))
        if self.served.refused:
            self._answer(self.served.refused, b"{}", {})
        elif path.startswith("/api/models/"):
            self._answer(200, json.dumps(self.served.about()).encode(), {})
        else:
            self._file(path.rpartition("/")[2])

    def _file(self, name: str) -> None:
        data = self.served.files[name]
        named = sha256(data) if name.endswith(".safetensors") else git_sha1(data)
        if name in self.served.spoilt:
            data = bytes([data[0] ^ 1]) + data[1:]
        begin = int(self.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")[0])
        about = {"X-Repo-Commit": self.served.commit, "ETag": f'"{named}"'}
        if begin:
            about["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        cut = self.served.cut.pop(name, None) if self.command == "GET" else None
        self._answer(206 if begin else 200, data[begin:], about, cut)

    def _answer(self, status: int, data: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[:cut])
        if cut is not None:
            self.close_connection = True
