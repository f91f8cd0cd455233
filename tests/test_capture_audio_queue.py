import threading
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from capture.audio_listener import OverflowQueue

SIZE = 3


class Against(RuleBasedStateMachine):
    """The queue beside a list."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: OverflowQueue[int] = OverflowQueue(SIZE)
        self.model: list[int] = []
        self.dropped = 0
        self.closed = False

    @rule(value=st.integers())
    def put(self, value: int) -> None:
        self.queue.put(value)
        if not self.closed:
            self.model.append(value)
            if len(self.model) > SIZE:
                del self.model[0]
                self.dropped += 1

    @rule()
    def get(self) -> None:
        assert self.queue.get(0.0) == (self.model.pop(0) if self.model else None)

    @rule()
    def close(self) -> None:
        self.queue.close()
        self.closed = True

    @invariant()
    def counted(self) -> None:
        assert self.queue.overflowed == self.dropped


TestAgainst = Against.TestCase
TestAgainst.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


def test_who_waits_is_woken_by_a_value_and_by_the_end() -> None:
    queue: OverflowQueue[int] = OverflowQueue(2)
    threading.Timer(0.05, queue.put, [7]).start()
    assert queue.get(30.0) == 7
    threading.Timer(0.05, queue.close).start()
    began = time.monotonic()
    assert queue.get(60.0) is None
    assert time.monotonic() - began < 30


def test_a_queue_holds_something() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        OverflowQueue(0)
