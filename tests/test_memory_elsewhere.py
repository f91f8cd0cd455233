"""What other rooms say: words told apart, votes that are learnt, no truth in what predicts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_memory import WordsAndColours

from core.errors import StorageError
from core.scoring import normalise
from memory.bearing import FEATURES, Bearing, Moment, room_answers
from memory.elsewhere import guess, learn
from memory.table import Line, VectorTable
from memory.votes import Ballot, Votes, fit, read_votes, write_votes
from memory.wording import fold, form_of, phrases

WORDS = st.text("abcd s?", max_size=30)
PLACES = {"bed": "pillow", "sink": "tap", "desk": "lamp", "sofa": "cushion", "wall": "clock"}


def table(lines: list[Line]) -> VectorTable:
    vectors = WordsAndColours().text([line.question for line in lines])
    return VectorTable(lines, vectors, np.ones((len(lines), 1), np.float32))


def lines_of(room: str, answered: bool = True) -> list[Line]:
    """What lies on each thing is the same in every room; its colour is the room's own."""
    asked = [(f"What is on the {place}?", thing) for place, thing in PLACES.items()]
    asked += [(f"What colour is the {place}?", f"shade {room}") for place in PLACES]
    return [Line(room, question, f"{room}{number % 2}", answer) for number, (question, answer) in
            enumerate(asked)]  # fmt: skip


ROOMS = [line for room in "abcdefgh" for line in lines_of(room)]


@pytest.fixture(scope="module")
def votes() -> Votes:
    found = learn(table(ROOMS), seed=0, steps=100)
    assert found is not None
    return found


def said(votes: Votes, here: list[Line], question: str) -> str:
    every = table([*ROOMS, *here, Line("new", question, "new0")])
    found = guess(votes, every, len(every.lines) - 1)
    assert found is not None
    return found.text


def test_what_is_so_in_every_room_is_so_in_a_new_one(votes: Votes) -> None:
    assert said(votes, [], "What is on the desk?") == "lamp"


def test_what_was_heard_here_beats_what_was_heard_elsewhere(votes: Votes) -> None:
    here = [Line("new", f"What colour is the {place}?", "new0", "shade new") for place in ("bed", "sink")]
    assert said(votes, here, "What colour is the sofa?") == "shade new"


def test_answers_of_later_lines_change_nothing(votes: Votes) -> None:
    asked = Line("new", "What is on the sofa?", "new0")
    later = [Line("new", "What is on the sofa?", "new0", "cushion"), Line("new", "Is it?", "new1", "yes")]
    alone, followed = table([*ROOMS, asked]), table([*ROOMS, asked, *later])
    assert guess(votes, alone, len(ROOMS)) == guess(votes, followed, len(ROOMS))


def test_its_own_answer_changes_nothing(votes: Votes) -> None:
    told = table([*ROOMS, Line("new", "What is on the sofa?", "new0", "cushion")])
    asked = table([*ROOMS, Line("new", "What is on the sofa?", "new0")])
    assert guess(votes, told, len(ROOMS)) == guess(votes, asked, len(ROOMS))


def test_shares_are_probabilities(votes: Votes) -> None:
    every = table(ROOMS)
    everywhere = np.arange(10, len(ROOMS))
    moment = Moment(0, everywhere, np.arange(1, 4), np.arange(1, 6))
    ballot = Ballot(Bearing(every, room_answers(every)).features(moment), every.answer[moment.pairs])
    assert ballot.features.shape == (len(everywhere) + 3, len(FEATURES))
    shares = votes.shares(ballot, len(every.answers))
    assert shares.sum() == pytest.approx(1) and (shares >= 0).all()


def test_too_few_rooms_teach_nothing() -> None:
    assert learn(table(lines_of("a") + lines_of("b")), seed=0) is None


def test_nobody_answers_what_nobody_ever_answered(votes: Votes) -> None:
    assert guess(votes, table([Line("new", "What is it?", "new0")]), 0) is None


def test_learning_is_seeded() -> None:
    ballots = [Ballot(np.eye(3, len(FEATURES), dtype=np.float32), np.array([0, 1, 2]), 1)]
    first, second = (fit(lambda step: ballots, 3, steps=5) for _ in range(2))
    assert all((first.arrays[name] == second.arrays[name]).all() for name in first.arrays)


def test_what_is_learnt_stays_the_same() -> None:
    """Sums that gradients and steps written out by hand once gave."""
    ballots = [Ballot(np.eye(3, len(FEATURES), dtype=np.float32), np.array([0, 1, 2]), 1)]
    votes = fit(lambda step: ballots, 3, steps=50)
    sums = {name: np.abs(votes.arrays[name]).sum() for name in ("linear", "hidden", "offset", "out")}
    assert sums == pytest.approx(
        {"linear": 2.055533256, "hidden": 220.753800208, "offset": 8.671138046, "out": 12.718026291}, abs=1e-6
    )
    assert votes.shares(ballots[0], 3) == pytest.approx([0.015791768, 0.968849555, 0.015358677], abs=1e-6)


def test_votes_are_kept(votes: Votes, tmp_path: Path) -> None:
    path = tmp_path / "votes.safetensors"
    assert read_votes(path) is None
    write_votes(path, votes)
    again = read_votes(path)
    assert again is not None
    assert all((again.arrays[name] == array).all() for name, array in votes.arrays.items())
    path.write_bytes(b"no")
    with pytest.raises(StorageError, match="learnt again"):
        read_votes(path)


def test_questions_are_told_by_kind_side_and_things() -> None:
    form = form_of("What is the colour of the box on the left side of the beds?")
    assert (form.kind, form.side, form.things) == ("color", "left", ("box", "bed"))
    assert form_of("How many chairs are there?").kind == "count"
    assert "red box" in phrases("Where are the red boxes near?") | phrases("Where is a red box?")


@given(WORDS)
def test_folding_again_changes_nothing_of_one_plural(text: str) -> None:
    assert normalise(fold(text)) == fold(text)


@given(st.lists(st.sampled_from(["on", "left", "bed", "how", "many", "box"]), max_size=6))
def test_an_answer_in_the_question_is_among_its_phrases(words: list[str]) -> None:
    text = " ".join(words)
    assert all(fold(word) in phrases(text) for word in words)
