"""What is taken from memory to be compared: all pairs, their vectors, and not those that nobody may use."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_memory import WordsAndColours, frame

from memory import shelf as module
from memory.index import Cue
from memory.shelf import shelf
from memory.store import Memory
from memory.table import Line


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "memory", WordsAndColours()) as memory:
        yield memory


def test_an_empty_memory_has_nothing(memory: Memory) -> None:
    assert shelf(memory) is None


def test_pairs_come_with_their_own_vectors(memory: Memory) -> None:
    first = memory.add("den", frame(1), "What is on the bed?", "a cat", "expert", "e")
    memory.add("hall", frame(2), "How many doors?", "two", "expert", "e")
    found = shelf(memory)
    assert found is not None
    assert [line.answer for line in found.lines] == ["a cat", "two"]
    np.testing.assert_allclose(found.text, WordsAndColours().text([line.question for line in found.lines]))
    spared = shelf(memory, without={first.id})
    assert spared is not None and [line.room for line in spared.lines] == ["hall"]


def test_what_is_asked_now_comes_last(memory: Memory) -> None:
    memory.add("den", frame(1), "What is on the bed?", "a cat", "expert", "e")
    found = shelf(memory)
    assert found is not None
    cue = Cue(found.text[0], found.view[0])
    table = found.table([(Line("hall", "What is on the bed?", "x"), cue)])
    assert table.answer.tolist() == [0, -1] and table.answers == ["a cat"]


def test_beyond_a_number_the_agents_oldest_are_left_out(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    memory.add("den", frame(1), "Old?", "agent's", "expert", "e", asker="agent")
    memory.add("den", frame(1), "Who?", "person's", "expert", "e")
    memory.add("den", frame(1), "New?", "newer", "expert", "e", asker="agent")
    found = shelf(memory)
    assert found is not None and [line.answer for line in found.lines] == ["person's", "newer"]
