"""A terminal of its own for a program: keys in, bytes out."""

import os
import sys
import time

import pytest

pytest.importorskip("pty")

from bench.screen.terminal import Terminal  # where there are such terminals
from core.errors import InputError

_ECHO = """
import sys, termios, tty, os
tty.setraw(0)
print(os.get_terminal_size().columns, os.get_terminal_size().lines, flush=True)
while True:
    key = os.read(0, 10).decode()
    if key == "q":
        break
    if key != "x":
        os.write(1, ("<" + key + ">").encode())
"""


def test_keys_are_timed_until_they_are_shown() -> None:
    with Terminal([sys.executable, "-c", _ECHO], dict(os.environ), 90, 30) as terminal:
        assert terminal.press("", "90 30", 20) > 0
        seconds = terminal.press("ж", "<ж>", 20)
        assert 0 < seconds < 20
        with pytest.raises(InputError, match="not shown"):
            terminal.press("x", "<x>", 0.2)
        assert not terminal.over
        terminal.send("q")
        end = time.monotonic() + 20
        while not terminal.over and time.monotonic() < end:
            time.sleep(0.01)
        assert terminal.over


def test_a_program_that_does_not_end_is_ended() -> None:
    sleeper = "import time; print('on', flush=True); time.sleep(99)"
    with Terminal([sys.executable, "-c", sleeper], dict(os.environ)) as terminal:
        terminal.press("", "on", 20)
    assert terminal.over


def test_a_program_that_is_frozen_answers_once_it_goes_on_and_ends_all_the_same() -> None:
    with Terminal([sys.executable, "-c", _ECHO], dict(os.environ), 90, 30) as terminal:
        terminal.press("", "90 30", 20)
        terminal.freeze(True)
        with pytest.raises(InputError, match="not shown"):
            terminal.press("ж", "<ж>", 0.3)
        terminal.freeze(False)
        assert terminal.press("z", "z>", 20) > 0  # perhaps read together with the first
        terminal.freeze(True)
    assert terminal.over
