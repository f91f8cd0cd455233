"""Who answers and why; decisions alone.

Memory if the same was asked of practically the same view; the expert during the warm-up; then the student,
unless it is too unsure and the expert can be reached.
"""

from dataclasses import dataclass

from core.events import Source


@dataclass(frozen=True)
class Route:
    """Who is to answer, and why in a sentence for people."""

    to: Source
    reason: str


@dataclass(frozen=True)
class Situation:
    """What is known before anybody answers. `turn` counts from 1; `adapter` is "" before the first. `taught`:
    the adapter has learnt something like the question. `home` names what other rooms taught the student, ""
    for nothing. `wished`: whom the person wants to hear.
    """

    turn: int
    warm_up: int
    recalled: bool
    expert_reachable: bool
    adapter: str
    taught: bool = True
    home: str = ""
    wished: Source | None = None


def choose_route(situation: Situation) -> Route:
    if situation.wished == "expert" and situation.expert_reachable:
        return Route("expert", "asked for")
    if situation.recalled:
        return Route("memory", "the same was asked of this view before")
    left = situation.warm_up - situation.turn + 1
    if left > 0 and situation.expert_reachable:
        return Route("expert", f"warm-up, {left} of {situation.warm_up} questions left")
    if left > 0:
        return Route("student", "the expert cannot be reached; the student is not adapted yet")
    return Route("student", _student_state(situation))


def _student_state(situation: Situation) -> str:
    """What the student answers with after the warm-up."""
    if not situation.adapter:
        return f"as other rooms taught it ({situation.home})" if situation.home else "warm-up is over"
    if situation.taught:
        return f"adapted ({situation.adapter})"
    base = f"as other rooms taught it ({situation.home})" if situation.home else "untouched"
    return f"{base}: nothing like it was learnt ({situation.adapter})"


def reconsider(confidence: float, threshold: float, expert_reachable: bool) -> Route | None:
    """After the student's answer: the expert if it is too unsure, else None; a `threshold` of 1 rejects
    all.
    """
    if not expert_reachable or (confidence >= threshold and threshold < 1):
        return None
    return Route("expert", f"the student is {confidence:.2f} sure, {threshold:.2f} is needed")
