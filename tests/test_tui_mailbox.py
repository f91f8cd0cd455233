"""Heard on many threads, taken on one."""

import threading
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.console import Back, ConsoleMessage, Gone, Partial, Pulse
from core.events import Activated, Event
from tui.app import Mailbox

_EVENTS = st.integers(0, 9).map(lambda number: Activated(at=number, adapter=str(number)))
_HEARD = st.one_of(
    _EVENTS, st.just(Pulse()), st.builds(Partial, st.integers(0, 1), st.text(max_size=2)), st.just(Gone("x"))
)


@given(st.lists(_HEARD))
def test_every_event_is_kept_in_order_and_only_the_newest_of_the_rest(heard: list[ConsoleMessage]) -> None:
    mailbox = Mailbox()
    for one in heard:
        mailbox.hear(one)
    taken = mailbox.take()
    assert [one for one in taken if isinstance(one, Event)] == [
        one for one in heard if isinstance(one, Event)
    ]
    assert taken[-1:] == heard[-1:] and mailbox.take() == []
    assert not any(isinstance(a, Pulse) and isinstance(b, Pulse) for a, b in pairwise(taken))


def test_a_picture_is_not_lost_to_a_pulse_without_one() -> None:
    mailbox = Mailbox()
    mailbox.hear(Pulse(frame=b"new", processor=0.1))
    mailbox.hear(Pulse(processor=0.2))
    assert mailbox.take() == [Pulse(frame=b"new", processor=0.2)]


def test_to_be_back_tells_all_of_it_anew() -> None:
    mailbox = Mailbox()
    for heard in (Activated(at=1, adapter="1"), Gone("x"), Back([])):
        mailbox.hear(heard)
    assert mailbox.take() == [Back([])]


def test_many_threads_lose_nothing() -> None:
    mailbox = Mailbox()
    taken: list[ConsoleMessage] = []

    def tell(name: int) -> None:
        for number in range(300):
            mailbox.hear(Activated(at=number, adapter=str(name)))

    threads = [threading.Thread(target=tell, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += mailbox.take()
    taken += mailbox.take()
    for name in range(4):
        told = [one.at for one in taken if isinstance(one, Activated) and one.adapter == str(name)]
        assert told == list(range(300))
