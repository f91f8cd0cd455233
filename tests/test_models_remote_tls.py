"""A server with a certificate that nobody well-known signed."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from tiny_certificate import write_certificate
from tiny_memory import jpeg
from tiny_server import Echo, small_application

from core.config import Config
from core.errors import ConfigError, ExpertError
from core.frames import frame_of
from core.sections import ExpertConfig
from models.remote.opening import remote_expert


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost, signed by itself, and its key."""
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def address(certificate: tuple[Path, Path]) -> Iterator[str]:
    """Where a server with that certificate listens."""
    with small_application(Echo()) as app, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_level="error", ssl_certfile=certificate[0], ssl_keyfile=certificate[1]
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"https://localhost:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def settings(address: str, authority: str) -> Config:
    """Those of a device."""
    return Config(expert=ExpertConfig(model=address, authority=authority))


def test_it_is_trusted_only_where_its_certificate_is_named(
    address: str, certificate: tuple[Path, Path]
) -> None:
    frame = frame_of(jpeg(0))
    stranger = remote_expert(settings(address, ""))
    with pytest.raises(ExpertError, match="certificate"):
        stranger.ask(frame, "What is it?", 1)
    stranger.close()
    friend = remote_expert(settings(address, str(certificate[0])))
    assert friend.ask(frame, "What is it?", 1).answer.text == "What is it?"
    friend.close()


@pytest.mark.parametrize("content", [None, b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_refused_at_once(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"expert\.authority"):
        remote_expert(settings("https://localhost:1", str(path)))
