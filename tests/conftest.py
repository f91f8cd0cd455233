"""Every test runs in its own home, offline, from one seed, and with no ROOMWISE_* of whoever runs it."""

import ipaddress
import os
import random
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_connect = socket.socket.connect
_getaddrinfo = socket.getaddrinfo


def _is_loopback(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _connect_locally(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
        raise PermissionError(f"a test reached for the network: {address}")
    _connect(self, address)


def _look_up_locally(host: Any, *args: Any, **kwargs: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host or ""
    if not _is_loopback(name):
        raise PermissionError(f"a test looked up {name}")
    return _getaddrinfo(host, *args, **kwargs)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed what random models and tensors are drawn from, before any fixture of any scope makes one."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test; returns it."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.upper().startswith("ROOMWISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ROOMWISE_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    monkeypatch.setattr(socket.socket, "connect", _connect_locally)
    monkeypatch.setattr(socket, "getaddrinfo", _look_up_locally)
    return home
