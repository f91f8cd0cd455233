"""A few of the kills that the soak makes a thousand of."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from soak.kill_checks import Picture, noted
from soak.kill_fate import Fate, Reaper
from soak.kills import kill_many

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="commands run in forks")
WHOLE = Picture(
    turns={"visit": {1: "red", 2: "two"}}, files={"visit": ("a.jpg",)}, pairs={"1": ["den", "What?", "red"]},
    views={"den": 3}, adapters={"den": (2, 1, 2)},
)  # fmt: skip


@pytest.mark.parametrize(
    "less",
    [
        replace(WHOLE, turns={"visit": {1: "red"}}),
        replace(WHOLE, turns={}),
        replace(WHOLE, turns={"visit": {1: "red", 2: "three"}}),
        replace(WHOLE, pairs={}),
        replace(WHOLE, pairs={"1": ["hall", "What?", "red"]}),
        replace(WHOLE, adapters={"den": (1, 1)}),
    ],
)
def test_whatever_is_less_than_before_is_seen(less: Picture) -> None:
    assert less.forgets(WHOLE) and less.lacks(WHOLE, WHOLE)
    assert not WHOLE.forgets(WHOLE) and not WHOLE.lacks(WHOLE, WHOLE)


def test_only_what_is_to_change_may() -> None:
    after = replace(WHOLE, pairs={}, views={})
    assert not after.lacks(WHOLE, after) and not WHOLE.lacks(WHOLE, after)
    assert replace(after, files={"visit": ()}).lacks(WHOLE, after)


@pytest.mark.parametrize("steps", range(4))
def test_a_process_dies_before_the_step_that_its_fate_names(tmp_path: Path, steps: int) -> None:
    child = os.fork()
    if not child:
        reaper = Reaper(Fate(steps=steps), tmp_path, tmp_path / "note", lambda: False)
        (tmp_path / "early").mkdir()
        reaper.come("start")
        for number in range(3):
            (tmp_path / str(number)).mkdir()
        reaper.passed("start")
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == (-signal.SIGKILL if steps < 3 else 0)
    assert sorted(path.name for path in tmp_path.glob("[0-9]")) == [str(number) for number in range(steps)]
    (note,) = noted(tmp_path)
    assert note.get("usual") == ("start" if steps == 3 else None) and note.get("steps", 3) == 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_is_lost_or_half_done_whatever_is_killed(tmp_path: Path) -> None:
    deaths = kill_many(30, 0, tmp_path)
    assert deaths.faults == []
    assert deaths.kills.total() >= 30 and 2 * deaths.training >= 28
    again = kill_many(30, 0, tmp_path)
    assert str(again) == str(deaths), "it goes on where it was"
