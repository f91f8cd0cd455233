from dataclasses import replace

import pytest

from adapters.jobs.gate import ModelScores, decide
from adapters.jobs.judge import Score
from adapters.jobs.request import JobLimits

BEFORE = ModelScores(Score(0.5, 0.6, -2.0, 10), Score(2 / 3, 0.7, -1.0, 3), Score(1.0, 1.0, -0.1, 40))
AFTER = ModelScores(Score(1.0, 1.0, -0.01, 10), Score(2 / 3, 0.7, -1.2, 3), Score(0.9, 0.9, -0.3, 40))
LIMITS = JobLimits()


def test_what_learns_the_room_and_does_little_harm_is_promoted_with_the_figures() -> None:
    verdict = decide(AFTER, BEFORE, LIMITS)
    assert verdict.promote
    assert verdict.reason == "It gets 100% of the room's pairs right, 50% before; probe set 90%."


def test_nothing_held_out_and_no_probe_set_is_judged_by_the_pairs_alone() -> None:
    none = Score()
    assert decide(ModelScores(AFTER.train, none, none), ModelScores(BEFORE.train, none, none), LIMITS).promote


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"probe": Score(0.5, 0.7, -2.0, 40)}, "forgets: 50% of the probe set, 100% before"),
        ({"hold_out": Score(0.0, 0.1, -1.0, 3)}, "loses 2 of 3 held-out answers"),
        ({"hold_out": Score(1 / 3, 0.1, -3.0, 3)}, "far less likely: -3.00 nats a token, -1.00 before"),
        (
            {"train": replace(BEFORE.train, loglik=-3.0)},
            "did not learn the room: 50% of its pairs",
        ),
        ({"train": replace(BEFORE.train, exact=0.4, loglik=-0.1)}, "did not learn"),
        ({"train": replace(AFTER.train, loglik=float("nan"))}, "not finite"),
    ],
)
def test_harm_out_of_proportion_is_named(change: dict[str, Score], reason: str) -> None:
    verdict = decide(replace(AFTER, **change), BEFORE, LIMITS)
    assert not verdict.promote
    assert reason in verdict.reason


def test_one_held_out_answer_of_three_is_chance_while_it_stays_likely() -> None:
    lost = replace(AFTER, hold_out=Score(1 / 3, 0.4, -1.5, 3))
    assert decide(lost, BEFORE, LIMITS).promote


def test_of_a_few_probe_questions_more_may_be_lost_by_chance() -> None:
    few, many = (replace(AFTER, probe=Score(0.5, 0.7, -2.0, n)) for n in (8, 80))
    assert decide(few, BEFORE, LIMITS).promote
    assert not decide(many, BEFORE, LIMITS).promote


def test_as_many_right_but_likelier_is_progress() -> None:
    likelier = replace(AFTER, train=replace(BEFORE.train, loglik=-1.0))
    assert decide(likelier, BEFORE, LIMITS).promote
