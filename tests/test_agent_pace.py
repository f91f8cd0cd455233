"""Pauses: as long as they were, divided by the speed, the child looked after all the while."""

import time
from pathlib import Path

import pytest

from agent.recording.visit import VisitTurn
from agent.replay.pace import PAUSE, Pace


class _Clock:
    """Time that passes by sleeping alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


class _Tended:
    def __init__(self) -> None:
        self.looks = 0
        self.settled = 0

    def between_turns(self) -> None:
        self.looks += 1

    def settle(self) -> None:
        self.settled += 1


def _turn(pause: float | None) -> VisitTurn:
    return VisitTurn(Path("x.jpg"), "What?", pause=pause)


@pytest.mark.parametrize(("pause", "waited"), [(4.0, 2.0), (None, PAUSE / 2), (0.0, 0.0)])
def test_a_speed_divides_the_pause_and_waits_for_nothing_else(
    pause: float | None, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tended = _Clock(monkeypatch), _Tended()
    Pace(2.0).rest(tended, _turn(pause), since=0.0)
    assert clock.now == pytest.approx(waited)
    assert tended.settled == 0
    assert tended.looks >= 1 + 5 * waited


def test_what_came_after_the_answer_is_part_of_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tended = _Clock(monkeypatch), _Tended()
    clock.now = 3.0
    Pace(1.0).rest(tended, _turn(4.0), since=0.0)
    assert clock.now == pytest.approx(4.0)


def test_without_a_speed_only_the_child_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tended = _Clock(monkeypatch), _Tended()
    Pace().rest(tended, _turn(4.0), since=0.0)
    assert (clock.now, tended.settled) == (0.0, 1)


def test_nobody_waits_after_the_last_question(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tended = _Clock(monkeypatch), _Tended()
    Pace(1.0).rest(tended, None, since=0.0)
    assert (clock.now, tended.looks) == (0.0, 1)
