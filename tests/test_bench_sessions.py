"""Sessions, and their tags held to what the tags are said to mean."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from room_facts import made_up_visit

from bench.rooms.sessions import (
    STEADY,
    TAGS,
    UNSEEN,
    WARM_UP,
    SessionTurn,
    make_session,
    plan_turns,
    write_session,
)
from core.errors import InputError, StorageError


def _turns(seed: int) -> list[SessionTurn]:
    return plan_turns(made_up_visit(seed), "test", np.random.default_rng(seed))


def _told(turn: SessionTurn) -> str:
    kind, subject = turn.question.kind, turn.question.subject
    if kind in ("colour", "tinted", "what_colour"):
        return f"colour of {subject[0]}"
    return turn.question.needs


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
@example(1129)  # a thing whose middle is at the very edge
def test_tags_mean_what_they_say(seed: int) -> None:
    turns = _turns(seed)
    warm = turns[:WARM_UP]
    assert len(turns) == 20 and {t.tag for t in warm} == {"warm-up"}
    assert len({t.question.needs for t in warm}) == WARM_UP
    known = {i for t in warm for i in t.question.subject}
    for number, turn in enumerate(turns[WARM_UP:], start=WARM_UP):
        before, question = turns[:number], turn.question
        same = [t for t in warm if t.question.needs == question.needs]
        if turn.tag == "same-fact-words":
            (first,) = same
            assert first.frame == turn.frame and first.question.answer == question.answer
            assert first.question.wording != question.wording
        elif turn.tag == "same-fact-view":
            (first,) = same
            assert first.frame != turn.frame and first.question.answer == question.answer
            assert question.kind in STEADY
        elif turn.tag == "new-fact":
            assert _told(turn) not in {_told(t) for t in before}
            assert set(question.subject) <= known
        else:
            assert turn.tag == "new-thing" and question.subject
            assert not set(question.subject) & {i for t in before for i in t.question.subject}


def test_sessions_mix_views_families_and_tags() -> None:
    tags: Counter[str] = Counter()
    for seed in range(20):
        turns = _turns(seed)
        tags.update(t.tag for t in turns)
        assert {t.frame for t in turns} == {0, 1, 2, 3}
        assert len({t.question.family for t in turns}) >= 4
    assert all(tags[tag] >= 20 for tag in TAGS)


def test_needs_unseen_is_by_name() -> None:
    for seed in range(20):
        for turn in _turns(seed):
            words = f"{turn.question.text} {turn.question.answer}".lower()
            assert turn.needs_unseen <= any(name in words for name in UNSEEN)


def test_the_same_seed_plans_the_same() -> None:
    assert _turns(5) == _turns(5) != _turns(6)


def test_an_empty_room_is_refused() -> None:
    with pytest.raises(InputError, match="another index"):
        plan_turns([], "test", np.random.default_rng(0))


def test_a_session_on_disk_replays(tmp_path: Path) -> None:
    pytest.importorskip("embreex")
    session = make_session("validation", 1, 48)
    write_session(session, tmp_path / "visit")
    told = json.loads((tmp_path / "visit" / "session.json").read_text(encoding="utf-8"))
    assert told["answers"] == "truth"
    assert told["room"] == "validation-1" and len(told["turns"]) == 20
    assert set(told["turns"][0]) == {"frame", "question", "answer", "family", "tag", "needs_unseen"}
    for name, depth, shot in zip(told["frames"], told["depth"], session.shots, strict=True):
        with Image.open(tmp_path / "visit" / name) as picture:
            assert picture.size == (48, 48)
        with Image.open(tmp_path / "visit" / depth) as picture:
            metres = np.asarray(picture, np.float32) / 1000
        assert np.abs(metres - shot.frame.depth).max() <= 0.0006
    with pytest.raises(StorageError):
        write_session(session, tmp_path / "visit")
