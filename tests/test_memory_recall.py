from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_memory import WordsAndColours, embedder, frame, jpeg

from core.frames import decode
from core.sections import MemoryConfig
from core.types import Pair
from memory.index import Cue
from memory.recall import Hit, asked_before, content_words, embed_cue, search
from memory.store import Memory

SURE = MemoryConfig(same_question=0.85, same_view=0.9)


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    with Memory.open(tmp_path_factory.mktemp("memory"), embedder()) as memory:
        for room in ("hall", "kitchen"):
            for seed in range(3):
                for thing in ("sofa", "lamp", "old wooden table"):
                    memory.add(room, frame(seed), f"What colour is the {thing}?", thing, "expert", "e")
        yield memory


def _picture(frame: int) -> Image.Image:
    return decode(jpeg(frame))


def test_the_same_question_of_the_same_view_comes_first(memory: Memory) -> None:
    cue = embed_cue(embedder(), "What colour is the lamp?", _picture(2))
    best, second, *_ = search(memory, cue, room="kitchen", k=9)
    assert best.pair.room == "kitchen" and best.pair.answer == "lamp"
    assert (best.score, best.question, best.view) == pytest.approx((1, 1, 1), abs=1e-5)
    assert second.score < 0.999 and best.pair.frame == second.pair.frame


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_scores_are_those_of_plain_arithmetic(memory: Memory, weight: float) -> None:
    port = embedder()
    cue = embed_cue(port, "Which colour has the lamp?", _picture(1))
    assert cue.text is not None and cue.view is not None
    expected = {
        pair.id: weight * float(port.text([pair.question])[0] @ cue.text)
        + (1 - weight) * float(port.image([decode(memory.frame_path(pair).read_bytes())])[0] @ cue.view)
        for pair in memory.pairs("hall")
    }
    hits = search(memory, cue, "hall", k=99, question_weight=weight)
    assert {hit.pair.id: hit.score for hit in hits} == pytest.approx(expected, abs=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_one_of_two_is_enough(memory: Memory) -> None:
    by_words = search(memory, embed_cue(embedder(), question="lamp"), k=6)
    assert {hit.pair.answer for hit in by_words} == {"lamp"} and by_words[0].view is None
    by_view = search(memory, embed_cue(embedder(), image=_picture(1)), k=6)
    assert len({hit.pair.frame for hit in by_view}) == 1 and by_view[0].question is None
    assert search(memory, Cue()) == []


def test_vectors_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    port = WordsAndColours()
    with Memory.open(tmp_path, port) as memory:
        cue = embed_cue(port, "What is it?", _picture(0))
        memory.add("hall", frame(0), "What is it?", "a lamp", "expert", "e", cue=cue)
        assert port.texts_seen == 1
        assert search(memory, cue)[0].score == pytest.approx(1, abs=1e-5)


def _hit(question: str, likeness: float | None = 0.95, view: float | None = 0.99) -> Hit:
    pair = Pair("0" * 32, "hall", question, "red", "0" * 64, "expert", "e", "now")
    return Hit(pair, 0.9, likeness, view)


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("What colour is the sofa?", "what color is the sofa"),
        ("In what color do you see the cushion?", "What colour does the cushion have?"),
        ("Which thing do you see in pink?", "What is the object that is pink?"),
        ("Are there two chairs?", "Are there 2 chairs here?"),
        ("What number of benches do you see?", "How many benches are shown here?"),
        ("Where is the box, left or right of the bed?", "Tell me if the box is left or right of the bed."),
        (
            "On the left, on the right or in the middle: where is it?",
            "Tell me where it is: left, middle or right",
        ),
    ],
)
def test_other_words_for_the_same_thing_are_the_same_question(asked: str, stored: str) -> None:
    assert asked_before(asked, _hit(stored), SURE)


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("Is the chair left of the table?", "Is the table left of the chair?"),
        ("What colour is the left chair?", "What colour is the right chair?"),
        ("What is on the table?", "What is under the table?"),
        ("Is the lamp on?", "Is the lamp off?"),
        ("Is there a chair?", "Is there no chair?"),
        ("How many red chairs are there?", "How many chairs are there?"),
        ("How big is the box?", "How small is the box?"),
        ("Is the sofa red?", "Which sofa is red?"),
        ("Where is the cup?", "What is the cup?"),
        ("Where is the cup?", "Where is the cup: left, middle or right?"),
        ("Is the sofa red?", "Is the sofa red or green?"),
        ("Is the box left or right of the bed?", "Is the bed left or right of the box?"),
    ],
)
def test_a_sentence_that_is_alike_but_asks_something_else_is_not(asked: str, stored: str) -> None:
    assert not asked_before(asked, _hit(stored, likeness=0.999), SURE)
    assert content_words(asked) != content_words(stored)


@pytest.mark.parametrize(
    ("likeness", "view", "same"),
    [(0.85, 0.9, True), (0.849, 1.0, False), (1.0, 0.899, False), (None, 1.0, False), (1.0, None, False)],
)
def test_both_question_and_view_must_be_alike(likeness: float | None, view: float | None, same: bool) -> None:
    assert asked_before("What is it?", _hit("What is it?", likeness, view), SURE) is same


def test_what_is_found_by_numbers_not_there_is_nothing(memory: Memory) -> None:
    cue = Cue(text=np.zeros(64, np.float32))
    assert search(memory, cue, room="no-such-room") == []
