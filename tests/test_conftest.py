import os
import socket
from pathlib import Path

import pytest


def test_the_network_is_out_of_reach() -> None:
    with pytest.raises(PermissionError, match="a test looked up"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    with socket.socket() as probe, pytest.raises(PermissionError, match="reached for the network"):
        probe.connect(("192.0.2.1", 80))
    with pytest.raises(PermissionError, match="looked up"):
        socket.getaddrinfo("example.org", 80)


def test_this_machine_is_within_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_home_is_empty_and_models_are_offline(isolated: Path) -> None:
    assert os.environ["ROOMWISE_HOME"] == str(isolated) and not list(isolated.iterdir())
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
