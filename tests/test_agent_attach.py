"""Dashboards attached over sockets: many at once, slow, rude and killed ones; agents killed and back."""

import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_certificate import write_certificate
from tiny_station import Ear, answer

from agent.attach.client import Attached
from agent.attach.codec import line
from agent.attach.place import Local, Remote, RemoteAccess, place_of, remote_doors
from agent.attach.server import MOST_CLIENTS, MOST_STRANGERS, AttachServer
from agent.console import Ask, Back, Find, Gone, Hear, Partial, Picture, Pulse, Talk, Wish
from agent.station.audience import Audience
from core.config import Config
from core.errors import CaptureError, ConfigError, InputError, StorageError
from core.events import Asked, SessionStarted
from core.sections import AttachConfig, NetworkConfig

TOKEN = "correct horse"
STARTED = SessionStarted(at=0, session="s", room="den", student="a", expert="b", warm_up=1, seed=0)
ASKED = Asked(at=1, turn=1, question="What colour is the ☕?", frame="f", frame_age_ms=1.5)


class Toy:
    """A console that replies at once, or when it is told to."""

    def __init__(self) -> None:
        self.audience = Audience()
        self.wishes: list[Wish] = []
        self.held: list[Future[Any]] = []

    def listen(self, hear: Hear) -> Callable[[], None]:
        return self.audience.listen(hear, Pulse(frame=b"first", age_ms=1.0))

    def put(self, wish: Wish) -> "Future[Any]":
        self.wishes.append(wish)
        reply: Future[Any] = Future()
        match wish:
            case Ask(question="hold"):
                self.held.append(reply)
            case Ask():
                reply.set_result(len(self.wishes))
            case Talk():
                reply.set_exception(CaptureError("There is no microphone. Plug one in."))
            case Picture():
                reply.set_result(b"\xff\xd8" + bytes(500_000))
            case _:
                reply.set_result([])
        return reply


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy tells nothing by itself."""
    monkeypatch.setattr("agent.attach.client._QUIET", 600.0)


@pytest.fixture
def toy() -> Toy:
    made = Toy()
    made.audience.tell(STARTED)
    return made


@pytest.fixture
def place(tmp_path: Path) -> Local:
    return Local(tmp_path / "run" / "agent.sock")


@pytest.fixture
def served(toy: Toy, place: Local) -> Iterator[AttachServer]:
    with AttachServer(toy, [place]) as server:
        yield server


def _back(ear: Ear) -> Back:
    found: Back = ear.wait(lambda heard: isinstance(heard, Back))
    return found


def test_who_attaches_hears_all_that_was_and_all_that_comes(
    toy: Toy, place: Local, served: AttachServer
) -> None:
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        assert list(_back(ear).events) == [STARTED]
        assert ear.wait(lambda heard: isinstance(heard, Pulse)).frame == b"first"
        toy.audience.tell(ASKED)
        toy.audience.tell(Partial(1, "re"))
        assert ear.wait(lambda heard: heard == ASKED) and ear.wait(lambda heard: heard == Partial(1, "re"))
        toy.audience.tell(Pulse(age_ms=2.0))  # the frame is the same as before
        assert ear.wait(lambda heard: isinstance(heard, Pulse) and heard.age_ms == 2.0)
        late = Ear()
        console.listen(late)
        assert list(_back(late).events) == [STARTED, ASKED]
        assert late.wait(lambda heard: isinstance(heard, Pulse)) == Pulse(frame=b"first", age_ms=2.0)


def test_wishes_are_fulfilled_and_errors_come_back(toy: Toy, place: Local, served: AttachServer) -> None:
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        _back(ear)
        assert answer(console.put(Ask("What?", "expert"))) == 1
        assert toy.wishes == [Ask("What?", "expert")]
        assert len(answer(console.put(Picture("0")))) == 500_002 and answer(console.put(Find())) == []
        with pytest.raises(CaptureError, match="microphone"):
            answer(console.put(Talk(True)))
        with pytest.raises(InputError, match="fewer words"):
            answer(console.put(Ask("x" * 100_000)))
        with pytest.raises(InputError):
            answer(console.put(Ask("half a character: \ud800")))


def test_the_socket_is_its_users_alone(place: Local, served: AttachServer) -> None:
    assert place.path.stat().st_mode & 0o777 == 0o600
    assert place.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_live_socket_is_refused_and_a_stale_one_replaced(toy: Toy, place: Local) -> None:
    with AttachServer(toy, [place]):
        with pytest.raises(StorageError, match="in use"), AttachServer(toy, [place]):
            pass
        assert place.path.exists()
    assert not place.path.exists()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(place.path))
    stale.close()
    with AttachServer(toy, [place]), Attached(place) as console:
        console.listen(ear := Ear())
        _back(ear)


def test_a_console_says_that_nobody_is_there_and_comes_back_by_itself(toy: Toy, place: Local) -> None:
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        gone = ear.wait(lambda heard: isinstance(heard, Gone) and "roomwise run" in heard.reason)
        assert not gone.ended
        with pytest.raises(InputError, match="back"):
            answer(console.put(Ask("What?")))
        with AttachServer(toy, [place]):
            _back(ear)
            held = console.put(Ask("hold"))
            assert _until(lambda: toy.held)
            ear.forget()
        assert not ear.wait(lambda heard: isinstance(heard, Gone)).ended
        with pytest.raises(InputError, match="back"):
            answer(held)
        with AttachServer(toy, [place]):
            _back(ear)


def test_a_session_that_ended_may_begin_again(toy: Toy, place: Local, served: AttachServer) -> None:
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        _back(ear)
        ear.forget()
        toy.audience.end(Gone("The session has ended.", ended=True))
        gone = ear.wait(lambda heard: isinstance(heard, Gone))
        assert "has ended" in gone.reason and not gone.ended


def _until(happened: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (found := happened()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def _raw(place: Local, hello: bytes = line({"hello": 1})) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(60)
    made.connect(str(place.path))
    made.sendall(hello)
    return made


def _read_all(made: socket.socket) -> bytes:
    data = b""
    with made:
        while piece := made.recv(65536):
            data += piece
    return data


def test_rude_clients_are_cut_off_and_others_are_not(toy: Toy, place: Local, served: AttachServer) -> None:
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        _back(ear)
        ear.forget()

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(st.binary(max_size=200), st.booleans())
        def rude(data: bytes, after_hello: bool) -> None:
            made = _raw(place, line({"hello": 1}) if after_hello else b"")
            made.sendall(data + b"\n")
            made.shutdown(socket.SHUT_WR)
            _read_all(made)

        rude()
        for nonsense in (b"x" * 200_000, line({"wish": 1, "kind": "Sudo", "values": {}}), b"[]\n", b"\n"):
            made = _raw(place)
            _sent(made, nonsense)
            _read_all_or_reset(made)
        before = len(toy.wishes)
        assert answer(console.put(Ask("still there?"))) == before + 1
        assert not ear.of(Gone)
    assert not [wish for wish in toy.wishes if wish != Ask("still there?")]


def test_who_says_nothing_takes_nobodys_place_and_is_sent_away(
    toy: Toy, place: Local, served: AttachServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        _crowd(place, served, stack, monkeypatch)


def _crowd(place: Local, served: AttachServer, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [stack.enter_context(_raw(place, b"")) for _ in range(MOST_STRANGERS + 10)]
    _until(lambda: len(served._strangers) == MOST_STRANGERS)
    assert silent[0].recv(1) == b""  # the first to come were cut off for the last
    dashboards = [stack.enter_context(_raw(place)) for _ in range(MOST_CLIENTS)]
    assert all(dashboard.recv(1) == b"{" for dashboard in dashboards)
    assert b"attached already" in _read_all(_raw(place))
    dashboards.pop().close()
    monkeypatch.setattr("agent.attach.server._HELLO", 0.2)
    assert _read_all(_raw(place, b"")) == b""
    _until(lambda: len(served._clients) == MOST_CLIENTS - 1)
    assert stack.enter_context(_raw(place)).recv(1) == b"{"


def _sent(made: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # it was cut off already
        made.sendall(data)


def _read_all_or_reset(made: socket.socket) -> None:
    with suppress(ConnectionResetError):
        _read_all(made)


def test_a_client_that_reads_nothing_slows_nobody(toy: Toy, place: Local, served: AttachServer) -> None:
    lazy = _raw(place)
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        _back(ear)
        big = os.urandom(400_000)
        longest = 0.0
        for number in range(40):
            began = time.monotonic()
            toy.audience.tell(Pulse(frame=big, age_ms=float(number)))
            longest = max(longest, time.monotonic() - began)
        # What it did not take in time was left out, but not the newest frame.
        last = Pulse(age_ms=99.0)

        def told() -> bool:
            toy.audience.tell(last)
            return any(one.age_ms == 99.0 for one in ear.of(Pulse))

        _until(told)
        assert any(one.frame == big for one in ear.of(Pulse))
        assert longest < 5.0
    clients = list(served._clients)
    waiting = [client._unsent() for client in clients]
    assert max(waiting, default=0) < 4_000_000, "pulses wait for nobody"
    lazy.close()


def test_a_client_that_takes_no_events_is_cut_off(
    toy: Toy, place: Local, served: AttachServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.attach.server._TOO_FAR_BEHIND", 1_000_000)
    lazy = _raw(place)
    _until(lambda: len(toy.audience))
    long = Asked(at=1, turn=1, question="x" * 100_000, frame="f", frame_age_ms=1)
    for _ in range(40):
        toy.audience.tell(long)
    _until(lambda: not len(toy.audience))
    lazy.close()


@pytest.fixture
def remote(toy: Toy, tmp_path: Path) -> Iterator[tuple[AttachServer, Path]]:
    certificate, key = write_certificate(tmp_path)
    house = RemoteAccess(TOKEN, "127.0.0.1", 1, certificate, key)
    (door,) = remote_doors(house)
    with AttachServer(toy, [Remote("127.0.0.1", 0, door.tls, TOKEN)], TOKEN) as server:
        yield server, certificate


def _config(token: str = TOKEN) -> Config:
    return Config(attach=AttachConfig(token=token))  # type: ignore[arg-type]  # pydantic makes a secret of it


def test_an_address_takes_the_right_token_over_tls(remote: tuple[AttachServer, Path], toy: Toy) -> None:
    server, certificate = remote
    place = place_of(f"localhost:{server.ports[0]}", _config(), certificate)
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        _back(ear)
        assert answer(console.put(Ask("What?"))) == 1
    assert TOKEN not in repr(place)


@pytest.mark.parametrize("token", ["wrong", "correct horsf", TOKEN + " "])
def test_a_wrong_token_ends_it(remote: tuple[AttachServer, Path], token: str, toy: Toy) -> None:
    server, certificate = remote
    ear = Ear()
    with Attached(place_of(f"localhost:{server.ports[0]}", _config(token), certificate)) as console:
        console.listen(ear)
        gone = ear.wait(lambda heard: isinstance(heard, Gone) and heard.ended)
    assert "token" in gone.reason and not len(toy.audience)


def test_no_token_no_hello_and_no_tls_tell_nothing(remote: tuple[AttachServer, Path], toy: Toy) -> None:
    server, certificate = remote
    trusting = ssl.create_default_context(cafile=certificate)
    for hello in (line({"hello": 1}), line({"hello": 1, "token": None}), line({"token": [TOKEN]})):
        with socket.create_connection(("127.0.0.1", server.ports[0]), 60) as plain:
            with trusting.wrap_socket(plain, server_hostname="localhost") as secret:
                secret.sendall(hello)
                told = secret.recv(1000)
            assert "refused" in json.loads(told) and b"event" not in told
    with socket.create_connection(("127.0.0.1", server.ports[0]), 60) as plain:
        plain.sendall(line({"hello": 1, "token": TOKEN}))
        with suppress(ConnectionResetError):
            assert b"event" not in plain.recv(1000)
    assert not len(toy.audience)


def test_an_unknown_certificate_is_not_trusted(remote: tuple[AttachServer, Path]) -> None:
    server, _ = remote
    place = Remote("localhost", server.ports[0], ssl.create_default_context(), TOKEN)
    ear = Ear()
    with Attached(place) as console:
        console.listen(ear)
        gone = ear.wait(lambda heard: isinstance(heard, Gone) and "certificate" in heard.reason.lower())
    assert not ear.of(Back) and gone


@pytest.mark.parametrize(
    ("house", "message"),
    [
        (RemoteAccess("", port=1), "token"),
        (RemoteAccess("t", "0.0.0.0", 1), "TLS is needed"),
        (RemoteAccess("t", "robot.example", 1), "TLS is needed"),
        (RemoteAccess("t", port=1, certificate=Path("c.pem")), "both"),
        (RemoteAccess("t", port=1, certificate=Path("c.pem"), key=Path("k.pem")), "c.pem"),
    ],
)
def test_doors_that_would_be_unsafe_stay_shut(house: RemoteAccess, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        remote_doors(house)
    assert remote_doors(RemoteAccess("", "0.0.0.0")) == []


def test_what_an_address_means(isolated: Path) -> None:
    assert place_of("", Config()) == Local(isolated / "run" / "agent.sock")
    assert place_of("/run/x.sock", Config()) == Local(Path("/run/x.sock"))
    far, near = place_of("robot.example:8770", _config()), place_of("[::1]:8770", _config())
    assert isinstance(far, Remote) and isinstance(near, Remote)
    assert (far.host, far.port, far.tls is None) == ("robot.example", 8770, False)
    assert (near.host, near.tls) == ("::1", None)
    with pytest.raises(ConfigError, match="token"):
        place_of("robot.example:8770", Config())
    with pytest.raises(ConfigError, match="offline"):
        place_of("robot.example:8770", _config().model_copy(update={"network": NetworkConfig(offline=True)}))
    for wrong in ("robot:0", "robot:99999", "robot:x", "a:b:c"):
        with pytest.raises(InputError):
            place_of(wrong, _config())
