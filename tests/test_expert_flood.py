"""Ten thousand damaged requests on a real port, pictures among them: each is told why, memory stays flat."""

import json
import random
import resource
import sys
from pathlib import Path

import httpx
import pytest
from tiny_server import Echo, running, small_application

ROOM = (Path(__file__).parent.parent / "docs" / "room.jpg").read_bytes()
_REQUESTS, _SETTLED = 10_000, 2_000
_GROWTH = 20_000_000
_BOUNDARY = "frontier"
_CHUNKS = (
    b"\x00",
    b"\xff\xd8",
    b"\xff\xd9",
    b"--" + _BOUNDARY.encode(),
    b"\r\n",
    b"{",
    b"\xff" * 64,
    b"GIF89a",
    b"%PDF-1.7",
)


def _body(frame: bytes, ask: str) -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="frame"; filename="f.jpg"\r\n\r\n'.encode()
    middle = f'\r\n--{_BOUNDARY}\r\nContent-Disposition: form-data; name="ask"\r\n\r\n{ask}\r\n'.encode()
    return head + frame + middle + f"--{_BOUNDARY}--\r\n".encode()


def _damaged(data: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled, or put in."""
    mutable = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        begin = dice.randrange(len(mutable) + 1)
        end = min(len(mutable), begin + dice.choice((1, 2, 16, 256, 4096)))
        match dice.randrange(4):
            case 0:
                mutable[begin:end] = dice.randbytes(end - begin)
            case 1:
                del mutable[begin:end]
            case 2:
                mutable[begin:begin] = mutable[begin:end]
            case _:
                mutable[begin:begin] = dice.choice(_CHUNKS)
    return bytes(mutable)


def _request(dice: random.Random) -> tuple[str, bytes, str]:
    """Path, body and type: a damaged frame in a whole body, or a damaged body."""
    ask = json.dumps({"questions": ["What is it?"], "signals": []})
    form = f"multipart/form-data; boundary={_BOUNDARY}"
    if dice.random() < 0.5:
        return "/v1/answers", _body(_damaged(ROOM, dice), ask), form
    if dice.random() < 0.7:
        return "/v1/answers", _damaged(_body(ROOM[:2000], ask), dice), form
    message = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}).encode()
    return "/v1/chat/completions", _damaged(message, dice), "application/json"


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
# Starlette leaves the spooled file of a form that breaks off to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(900)
def test_ten_thousand_damaged_requests_leave_the_server_as_it_was() -> None:
    dice, settled, refused = random.Random(0), 0, 0
    with small_application(Echo()) as app, running(app) as address, httpx.Client(base_url=address) as client:
        for number in range(_REQUESTS):
            path, body, kind = _request(dice)
            response = client.post(path, content=body, headers={"Content-Type": kind})
            assert response.status_code < 500, (number, response.text)
            if response.status_code >= 400:
                refused += 1
                assert json.loads(response.content)["error"]["message"]
            if number == _SETTLED:
                settled = _resident()
        assert client.get("/healthz").status_code == 200
    assert refused > _REQUESTS / 2
    assert _resident() - settled < _GROWTH
