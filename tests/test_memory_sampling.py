import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.types import Pair
from memory.sampling import kind, replay, split

AT_MOST = settings(max_examples=60, deadline=None)
ANSWERS = st.sampled_from(["yes", "no", "2", "three", "red", "on the table"])


@st.composite
def many_pairs(draw: st.DrawFn) -> list[Pair]:
    whats = st.tuples(st.sampled_from(["kitchen", "hall"]), st.integers(0, 9), ANSWERS, st.integers(0, 3))
    return [
        Pair(f"{index:032x}", room, f"Question {number}?", answer, f"{frame:064x}", "expert", "e", "now")
        for index, (room, number, answer, frame) in enumerate(draw(st.lists(whats, max_size=30)))
    ]


SEEDS, FRACTIONS = st.integers(0, 5), st.floats(0, 0.6)


@AT_MOST
@given(many_pairs(), FRACTIONS, SEEDS)
def test_every_pair_is_on_one_side_in_its_old_order(pairs: list[Pair], fraction: float, seed: int) -> None:
    parts = split(pairs, fraction, seed)
    assert sorted([*parts.train, *parts.held_out], key=pairs.index) == pairs
    for part in (parts.train, parts.held_out):
        assert part == sorted(part, key=pairs.index)
    assert len(parts.held_out) <= max(1, round(fraction * len(pairs)))


@AT_MOST
@given(many_pairs(), FRACTIONS, SEEDS)
def test_one_question_about_one_frame_is_never_on_both_sides(
    pairs: list[Pair], fraction: float, seed: int
) -> None:
    parts = split(pairs, fraction, seed)
    train, held = (
        {(pair.room, pair.frame, pair.question) for pair in part} for part in (parts.train, parts.held_out)
    )
    assert train.isdisjoint(held)


@AT_MOST
@given(many_pairs(), FRACTIONS, SEEDS, st.randoms())
def test_neither_order_nor_ids_matter(
    pairs: list[Pair], fraction: float, seed: int, shuffle: random.Random
) -> None:
    def about(part: list[Pair]) -> list[tuple[str, ...]]:
        return sorted((pair.room, pair.question, pair.answer, pair.frame) for pair in part)

    others = [replace(pair, id=f"{99 - index:032x}") for index, pair in enumerate(pairs)]
    shuffle.shuffle(others)
    assert about(split(others, fraction, seed).held_out) == about(split(pairs, fraction, seed).held_out)
    assert about(replay(others, 7, seed)) == about(replay(pairs, 7, seed))


@AT_MOST
@given(many_pairs(), SEEDS, st.sets(st.integers(0, 29)))
def test_what_was_trained_on_is_not_held_out(pairs: list[Pair], seed: int, seen: set[int]) -> None:
    trained = {f"{index:032x}" for index in seen}
    assert trained.isdisjoint(pair.id for pair in split(pairs, 0.5, seed, trained).held_out)


@AT_MOST
@given(many_pairs(), st.integers(0, 40), SEEDS)
def test_replay_takes_from_every_room_in_turn(pairs: list[Pair], count: int, seed: int) -> None:
    taken = replay(pairs, count, seed)
    assert len(taken) == min(count, len(pairs)) and len({pair.id for pair in taken}) == len(taken)
    counts = {room: sum(pair.room == room for pair in taken) for room in ("kitchen", "hall")}
    for room, other in (("kitchen", "hall"), ("hall", "kitchen")):
        left = sum(pair.room == room for pair in pairs) - counts[room]
        assert not left or counts[room] >= counts[other] - 1


def _pairs(answers: list[str]) -> list[Pair]:
    return [
        Pair(f"{index:032x}", "hall", f"Question {index}?", answer, "0" * 64, "expert", "e", "now")
        for index, answer in enumerate(answers)
    ]


def test_kinds_are_held_out_alike() -> None:
    pairs = _pairs(["yes"] * 10 + ["red"] * 10 + ["2"] * 10)
    held = split(pairs, 0.2, 3).held_out
    assert sorted(kind(pair) for pair in held) == ["number"] * 2 + ["words"] * 2 + ["yes-no"] * 2


@pytest.mark.parametrize(("count", "held"), [(0, 0), (3, 0), (4, 1), (5, 1), (8, 2), (10, 2)])
def test_few_pairs_spare_few(count: int, held: int) -> None:
    assert len(split(_pairs(["red"] * count)).held_out) == held


def test_another_seed_is_another_sample() -> None:
    pairs = _pairs(["red"] * 20)
    assert len({tuple(pair.id for pair in replay(pairs, 5, seed)) for seed in range(5)}) > 1
    assert len({tuple(pair.id for pair in split(pairs, 0.3, seed).held_out) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("Yes, it is", "yes-no"), ("three", "number"), ("not red", "words"), ("12", "number")],
)
def test_kinds(answer: str, expected: str) -> None:
    assert kind(_pairs([answer])[0]) == expected
