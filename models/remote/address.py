"""Parse an expert's address, and refuse addresses that must not be used.

httpx both parses and connects, so that the address checked is the one connected to. No message repeats the
address: a mistyped one may hold a password.
"""

import re
from dataclasses import dataclass

import httpx

from core.errors import ConfigError
from core.hosts import is_loopback

_SCHEMES = ("http://", "https://")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_LAST_PORT = 65535
_VERSION = re.compile(r"/v\d+\w*(/openai)?$")


@dataclass(frozen=True)
class Address:
    """The address of a server, as `parse` makes it: `url` has no slash at its end."""

    url: str

    @property
    def compatible(self) -> bool:
        """Whether the server is OpenAI-compatible: its path ends in a version, as /v1 or /v1beta/openai."""
        return _VERSION.search(httpx.URL(self.url).path) is not None

    @property
    def display(self) -> str:
        """For people and recordings: without credentials, query and fragment."""
        bare = httpx.URL(self.url).copy_with(userinfo=b"", query=None, fragment=None)
        return str(bare).rstrip("/")


def is_address(text: str) -> bool:
    """Whether a text is an address, and not a model's name or a folder."""
    return text.strip().lower().startswith(_SCHEMES)


def parse(text: str, token_set: bool, plain_http: bool, offline: bool) -> Address:
    """The normalised address.

    `token_set`: a token is sent along; `plain_http`: token and frames may go unencrypted to other machines;
    `offline`: nothing may be sent. Raises ConfigError for an address that these forbid.
    """
    if not is_address(text):
        raise ConfigError("An expert's address begins with https:// or http://. Correct expert.model.")
    if offline:
        raise ConfigError(
            "The expert is on another machine, and network.offline is set. "
            "Set network.offline to false, or expert.model to a model on this one."
        )
    url = _parse_url(text.strip())
    _check_parts(url, text)
    if url.scheme == "http" and not plain_http and not is_loopback(_host(url)):
        what = "Frames and the token" if token_set else "Frames"
        raise ConfigError(
            f"{what} would go unencrypted to another machine. Give an address that begins with https://, "
            "or set expert.plain_http to true where nobody can listen."
        )
    return Address(str(url).rstrip("/"))


def _parse_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        # httpx decodes and checks the host only when it is read.
        usable = url.host.isprintable() and (url.port is None or 0 < url.port <= _LAST_PORT)
    except (httpx.InvalidURL, ValueError):
        # Not chained: the cause quotes the address.
        raise ConfigError("The expert's address cannot be read. Correct expert.model.") from None
    if not usable:
        raise ConfigError("The expert's address has a port or host that cannot be. Correct expert.model.")
    return url


def _check_parts(url: httpx.URL, text: str) -> None:
    if url.userinfo:
        raise ConfigError(
            "The expert's address holds a name or password. Take it out of expert.model. "
            "Put the token into ROOMWISE_EXPERT__TOKEN."
        )
    if "?" in text or "#" in text:
        raise ConfigError("The expert's address goes on after ? or #. Leave that away in expert.model.")
    if not _HOST.fullmatch(_host(url)):
        raise ConfigError("The expert's address names no host. Correct expert.model: https://HOST:PORT.")


def _host(url: httpx.URL) -> str:
    return url.raw_host.decode("ascii")
