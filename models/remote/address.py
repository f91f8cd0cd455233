"""Where an expert on another machine is: what an address may look like, and what must not be sent there.

It is read by the library that connects, so that what is checked here is what is connected to. No message
repeats the address: a mistyped one may hold a password.
"""

import re
from dataclasses import dataclass

import httpx

from core.errors import ConfigError
from core.hosts import is_loopback

_SCHEMES = ("http://", "https://")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_LAST_PORT = 65535


@dataclass(frozen=True)
class Address:
    """The address of a server, as `parse` makes it: `url` has no slash at its end."""

    url: str

    @property
    def compatible(self) -> bool:
        """Whether the server speaks as OpenAI's does, which its path says by ending in /v1."""
        return httpx.URL(self.url).path.endswith("/v1")

    @property
    def shown(self) -> str:
        """For people and recordings: without credentials, query and fragment."""
        bare = httpx.URL(self.url).copy_with(userinfo=b"", query=None, fragment=None)
        return str(bare).rstrip("/")


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, where it could also name a model or a folder."""
    return text.strip().lower().startswith(_SCHEMES)


def parse(text: str, token_set: bool, plain_http: bool, offline: bool) -> Address:
    """The address that a text gives, normalised.

    `token_set`: a token goes along; `plain_http`: it and the frames may go unencrypted to other machines;
    `offline`: nothing goes anywhere. Raises ConfigError for an address that cannot be used under these.
    """
    if not is_address(text):
        raise ConfigError("An expert's address begins with https:// or http://. Correct expert.model.")
    if offline:
        raise ConfigError(
            "The expert is on another machine, and network.offline is set. "
            "Set network.offline to false, or expert.model to a model on this one."
        )
    url = _read(text.strip())
    _check_parts(url, text)
    if url.scheme == "http" and not plain_http and not is_loopback(_host(url)):
        what = "Frames and the token" if token_set else "Frames"
        raise ConfigError(
            f"{what} would go unencrypted to another machine. Give an address that begins with https://, "
            "or set expert.plain_http to true where nobody can listen."
        )
    return Address(str(url).rstrip("/"))


def _read(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        # A host is decoded, and may be found wrong, only when it is looked at.
        usable = url.host.isprintable() and (url.port is None or 0 < url.port <= _LAST_PORT)
    except (httpx.InvalidURL, ValueError):
        # Without its cause, which quotes the address.
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
