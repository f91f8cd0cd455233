"""Experts as processes of their own on this machine, as a user starts them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from core.errors import ExpertError

_START = 120.0
_STOP = 15.0


@contextmanager
def expert_server(model: str, looks: int, batch: int, transfer: Path | None = None) -> Iterator[str]:
    """Its address, once it answers. Raises ExpertError when it does not come up in two minutes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "roomwise", "expert", "serve", "--model", model, "--port", str(port),
               "--looks", str(looks), "--batch", str(batch), "--rate", "0", "--queue", "4096"]  # fmt: skip
    command += [] if transfer is None else ["--transfer", str(transfer)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address, process)
        yield address
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _await(address: str, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        if process.poll() is not None:
            stderr = (process.communicate()[1] or "").strip().splitlines()
            raise ExpertError(f"The server ended at once: {stderr[-1] if stderr else 'without a word'}")
        try:
            if httpx.get(f"{address}/healthz", timeout=1, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise ExpertError(f"No server came up at {address} in {_START:.0f} s. Start one by hand to see why.")
