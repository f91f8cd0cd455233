"""Where to attach to an agent: its user's local socket, or an address with a token and, when remote, TLS."""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from core.config import Config
from core.errors import ConfigError, InputError, StorageError
from core.files import expand_user, home_folder
from core.hosts import is_loopback

SOCKET = "agent.sock"
_LONGEST_PATH = 100
"""Bytes; systems take some 104 to 108 for the name of a socket."""
_MAKE_TOKEN = "Set ROOMWISE_ATTACH__TOKEN, for example to the output of: openssl rand -hex 32"


@dataclass(frozen=True)
class Local:
    """A socket in the file system."""

    path: Path

    @property
    def shown(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class Remote:
    """An address; `tls` is None where the connection stays on the machine."""

    host: str
    port: int
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        return f"{self.host}:{self.port}"


Place = Local | Remote
"""Where an agent listens, or is looked for."""


@dataclass(frozen=True)
class RemoteAccess:
    """Lets dashboards on other machines in; nobody without a `port`. PEM files for TLS."""

    token: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int | None = None
    certificate: Path | None = None
    key: Path | None = None


def runtime_dir() -> Path:
    """The folder for files of a running agent. Not created here."""
    return home_folder("run", platformdirs.user_runtime_path)


def local_socket() -> Local:
    """This user's socket on this machine. Raises StorageError when its path is too long."""
    return check_length(Local(runtime_dir() / SOCKET))


def check_length(place: Local) -> Local:
    """Raises StorageError where the path is too long for a socket."""
    if len(os.fsencode(place.path)) > _LONGEST_PATH:
        raise StorageError(f"{place.path} is too long for a socket. Set ROOMWISE_HOME to a shorter path.")
    return place


def remote_doors(access: RemoteAccess) -> list[Remote]:
    """Where others are let in, if anywhere. Raises ConfigError for what is unsafe or cannot work."""
    if access.port is None:
        return []
    if not access.token:
        raise ConfigError(f"A dashboard that comes by an address needs a token. {_MAKE_TOKEN}")
    if (access.certificate is None) != (access.key is None):
        raise ConfigError("TLS takes a certificate and its key. Give both: --tls-cert FILE --tls-key FILE")
    if access.certificate is None and not is_loopback(access.host):
        raise ConfigError(
            f"{access.host} can be reached from other machines, so TLS is needed. "
            "Give --tls-cert FILE --tls-key FILE"
        )
    tls = None
    if access.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            tls.load_cert_chain(access.certificate, access.key)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"{access.certificate} cannot be used with its key ({error.strerror or error}). Check both."
            ) from error
    return [Remote(access.host, access.port, tls, access.token)]


def place_of(address: str, config: Config, authority: Path | None = None) -> Place:
    """The place of an address: "", the path of a socket, or HOST:PORT. Raises InputError, ConfigError."""
    if not address:
        return local_socket()
    host, _, port = address.rpartition(":")
    if not host or "/" in address:
        return check_length(Local(expand_user(address)))
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InputError(f"{address[:80]} is no address. Write HOST:PORT, or the path of a socket.")
    host = host.removeprefix("[").removesuffix("]")
    is_remote = not is_loopback(host)
    if is_remote and config.network.offline:
        raise ConfigError(f"No connection is made to {host}: network.offline is set. Unset it first.")
    token = config.attach.token.get_secret_value()
    if not token:
        raise ConfigError(f"An agent at an address asks for a token. {_MAKE_TOKEN}, the same on both sides.")
    return Remote(host, int(port), _trusting(authority) if is_remote or authority else None, token)


def _trusting(authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise ConfigError(
            f"{authority} is no certificate ({error.strerror or error}). Check the path."
        ) from error
