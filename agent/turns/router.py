"""Who answers, and why: decisions alone, no effects.

Memory when the same was asked of practically the same view; the expert during the warm-up; afterwards the
student, unless it is less sure than it must be and there is an expert to ask instead.
"""

from dataclasses import dataclass

from core.events import Source


@dataclass(frozen=True)
class Route:
    """Who is to answer, and why in a sentence that a person reads."""

    to: Source
    reason: str


@dataclass(frozen=True)
class Situation:
    """What is known before anybody answers. `turn` counts from 1; `adapter` is empty before the first.

    `taught`: something like the question is among what the adapter has learnt. `home` is what the student has
    from other rooms, empty for nothing. `wished`: whom the person wants to hear this time.
    """

    turn: int
    warm_up: int
    recalled: bool
    expert_reachable: bool
    adapter: str
    taught: bool = True
    home: str = ""
    wished: Source | None = None


def route(situation: Situation) -> Route:
    """Who answers first."""
    if situation.wished == "expert" and situation.expert_reachable:
        return Route("expert", "asked for")
    if situation.recalled:
        return Route("memory", "the same was asked of this view before")
    left = situation.warm_up - situation.turn + 1
    if left > 0 and situation.expert_reachable:
        return Route("expert", f"warm-up, {left} of {situation.warm_up} questions left")
    if left > 0:
        return Route("student", "the expert cannot be reached; the student is not adapted yet")
    return Route("student", _held(situation))


def _held(situation: Situation) -> str:
    """With what the student answers after the warm-up."""
    if not situation.adapter:
        return f"as other rooms taught it ({situation.home})" if situation.home else "warm-up is over"
    if situation.taught:
        return f"adapted ({situation.adapter})"
    rest = f"as other rooms taught it ({situation.home})" if situation.home else "untouched"
    return f"{rest}: nothing like it was learnt ({situation.adapter})"


def reconsider(confidence: float, threshold: float, expert_reachable: bool) -> Route | None:
    """After the student's answer: the expert's turn if it is too unsure, None if its answer stands.

    A `threshold` of 1 is above every confidence.
    """
    if not expert_reachable or (confidence >= threshold and threshold < 1):
        return None
    return Route("expert", f"the student is {confidence:.2f} sure, {threshold:.2f} is needed")
