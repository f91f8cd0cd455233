"""The desk: who waits together is answered together, and one client's fault or leaving is its own."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_memory import jpeg
from tiny_server import Echo

from core.hosts import is_loopback
from expert.asking import AskForm, QuestionBatch, RequestLimits, check_request
from expert.desk import Answers, Desk, ExhaustedError, FullError, next_batch
from expert.door import Rate, admitted

LIMITS = RequestLimits()


def request(question: str, count: int = 1) -> QuestionBatch:
    return check_request(jpeg(0), AskForm(questions=[question] * count, signals=[]), LIMITS)


class Gate:
    """Holds the first batch until it is opened."""

    def __init__(self) -> None:
        self.begun, self.free = threading.Event(), threading.Event()

    def __call__(self, batch: Sequence[QuestionBatch]) -> None:
        self.begun.set()
        assert self.free.wait(10)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.free.set()


def word(future: "Future[Answers]") -> str:
    return future.result(10)[0].reply.answer.text


@given(st.lists(st.integers(1, 16), max_size=20), st.integers(1, 64))
def test_batches_are_as_large_as_may_be_and_never_empty(waiting: list[int], most: int) -> None:
    count = next_batch(waiting, most)
    assert min(1, len(waiting)) <= count <= len(waiting)
    assert count <= 1 or sum(waiting[:count]) <= most
    assert count == len(waiting) or sum(waiting[: count + 1]) > most


def test_who_waits_together_is_answered_together(gate: Gate) -> None:
    echo = Echo(gate)
    with ThreadPoolExecutor(1) as thread, Desk(echo, thread, 16, 64) as desk:
        first = desk.put(request("first"))
        assert gate.begun.wait(10)
        others = [desk.put(request(f"other {number}")) for number in range(5)]
        assert desk.waiting == 5
        gate.free.set()
        assert word(first) == "first"
        assert [word(one) for one in others] == [f"other {number}" for number in range(5)]
    assert echo.batches == [1, 5]


def test_who_leaves_is_not_answered(gate: Gate) -> None:
    echo = Echo(gate)
    with ThreadPoolExecutor(1) as thread, Desk(echo, thread, 16, 64) as desk:
        first = desk.put(request("first"))
        assert gate.begun.wait(10)
        left, stays = desk.put(request("left")), desk.put(request("stays"))
        assert left.cancel() and not first.cancel()
        assert desk.waiting == 1
        gate.free.set()
        assert word(stays) == "stays"
    assert echo.batches == [1, 1]


def test_one_bad_request_fails_alone(gate: Gate) -> None:
    def fail(batch: Sequence[QuestionBatch]) -> None:
        gate(batch)
        if any(one.questions[0] == "bad" for one in batch):
            raise ValueError("no")

    with ThreadPoolExecutor(1) as thread, Desk(Echo(fail), thread, 16, 64) as desk:
        first = desk.put(request("first"))
        assert gate.begun.wait(10)
        futures = [desk.put(request(text)) for text in ("a", "bad", "b", "c")]
        gate.free.set()
        word(first)
        assert [word(one) for one in (futures[0], *futures[2:])] == ["a", "b", "c"]
        with pytest.raises(ValueError, match="no"):
            futures[1].result(10)


def test_a_batch_too_large_for_memory_is_halved(gate: Gate) -> None:
    sizes = []

    def starve(batch: Sequence[QuestionBatch]) -> None:
        gate(batch)
        sizes.append(len(batch))
        if len(batch) > 2 or batch[0].questions[0] == "huge":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    with ThreadPoolExecutor(1) as thread, Desk(Echo(starve), thread, 16, 64) as desk:
        first = desk.put(request("first"))
        assert gate.begun.wait(10)
        futures = [desk.put(request(str(number))) for number in range(4)]
        gate.free.set()
        word(first)
        assert [word(one) for one in futures] == ["0", "1", "2", "3"]
        assert sizes == [1, 4, 2, 2]
        with pytest.raises(ExhaustedError, match="memory"):
            desk.put(request("huge")).result(10)


def test_a_closed_desk_takes_nothing_and_leaves_nobody_waiting(gate: Gate) -> None:
    thread = ThreadPoolExecutor(1)
    desk = Desk(Echo(gate), thread, 16, 64)
    with pytest.raises(FullError):
        desk.put(request("early"))
    with thread, desk:
        desk.put(request("first"))
        assert gate.begun.wait(10)
        waits = desk.put(request("waits"))
        threading.Timer(0.05, gate.free.set).start()
    assert waits.cancelled()


def test_more_than_may_wait_is_refused(gate: Gate) -> None:
    with ThreadPoolExecutor(1) as thread, Desk(Echo(gate), thread, 16, 3) as desk:
        desk.put(request("first"))
        assert gate.begun.wait(10)
        desk.put(request("two", 2))
        with pytest.raises(FullError, match="3 questions"):
            desk.put(request("two more", 2))
        desk.put(request("one more"))
        gate.free.set()


@given(st.text())
def test_only_the_token_is_let_in(text: str) -> None:
    assert admitted("Bearer token", "token") and admitted("bearer  token", "token")
    assert not admitted(text, "a token that no text is")
    assert not admitted(None, "token")


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_in_the_long_run_a_client_gets_its_rate(pauses: list[float]) -> None:
    rate, now, let_in = Rate(2.0, 5), 0.0, 0
    for pause in pauses:
        now += pause
        let_in += rate.wait("one", now) == 0
    assert let_in <= 5 + 2 * now + 1e-6


def test_clients_wait_for_themselves_alone() -> None:
    rate = Rate(1.0, 1)
    assert rate.wait("a", 0.0) == 0.0
    assert 0 < rate.wait("a", 0.5) <= 0.5
    assert rate.wait("b", 0.5) == 0.0
    assert Rate(0, 1).wait("a", 0.0) == Rate(0, 1).wait("a", 0.0) == 0.0


def test_loopback_is_this_machine_alone() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.0.7", "example.org", ""))
