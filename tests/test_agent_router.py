"""Who answers: every rule, and the threshold's promise on any data."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.takeover.takeover import fit_threshold
from agent.turns.router import Situation, choose_route, reconsider

_FIRST = Situation(turn=1, warm_up=10, recalled=False, expert_reachable=True, adapter="")
_ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=5, max_size=40)


@pytest.mark.parametrize(
    ("situation", "to", "told"),
    [
        (_FIRST, "expert", "10 of 10"),
        (replace(_FIRST, turn=10), "expert", "1 of 10"),
        (replace(_FIRST, recalled=True), "memory", "before"),
        (replace(_FIRST, expert_reachable=False), "student", "not adapted"),
        (replace(_FIRST, turn=11), "student", "over"),
        (replace(_FIRST, turn=11, adapter="kitchen/0002"), "student", "kitchen/0002"),
        (replace(_FIRST, turn=11, adapter="0002", taught=False), "student", "nothing like it was learnt"),
        (replace(_FIRST, turn=11, recalled=True), "memory", "before"),
        (replace(_FIRST, warm_up=0), "student", "over"),
    ],
)
def test_every_rule(situation: Situation, to: str, told: str) -> None:
    decided = choose_route(situation)
    assert decided.to == to
    assert told in decided.reason


def test_an_unsure_student_gives_way_only_to_an_expert_that_is_there() -> None:
    assert reconsider(0.4, 0.5, expert_reachable=False) is None
    assert reconsider(0.5, 0.5, expert_reachable=True) is None
    given_way = reconsider(0.4, 0.5, expert_reachable=True)
    assert given_way is not None
    assert given_way.to == "expert"
    assert reconsider(1.0, 1.0, expert_reachable=True) is not None  # nobody is surer than that


@given(_ANSWERS, st.floats(0.05, 1))
def test_from_the_threshold_on_the_rate_is_kept(answers: list[tuple[float, bool]], wanted: float) -> None:
    threshold = fit_threshold([c for c, _ in answers], [r for _, r in answers], wanted, default=0.5)
    kept = [right for confidence, right in answers if confidence >= threshold]
    if threshold < 1 or any(confidence == 1 for confidence, _ in answers):
        reached = sum(kept) >= wanted * len(kept)
        assert reached or threshold == 1
    lower = {confidence for confidence, _ in answers if confidence < threshold}
    for other in lower:
        below = [right for confidence, right in answers if confidence >= other]
        assert sum(below) < wanted * len(below)


def test_few_answers_leave_the_default() -> None:
    assert fit_threshold([0.9, 0.8], [True, True], 0.9, default=0.6) == 0.6
    with pytest.raises(ValueError, match="outcomes"):
        fit_threshold([0.9], [], 0.9, default=0.6)
