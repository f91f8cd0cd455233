"""Whether a candidate takes the current adapter's place, and why. Pure: scores in, verdict out.

A room has ten pairs or so, of which two or three are held out: one answer more or less is chance.
So a candidate is turned down only for harm that is out of proportion, or for having learnt nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.jobs.judge import Score
from adapters.jobs.request import JobLimits

_LESS_LIKELY = 0.05
_CHANCE = 0.5
"""Over the root of the number of questions: how much of a share of right answers is chance."""


@dataclass(frozen=True)
class ModelScores:
    """Scores of one model: on the pairs it learns from, on pairs held out, on the probe set."""

    train: Score
    hold_out: Score
    probe: Score


@dataclass(frozen=True)
class Verdict:
    """Promote or not, and the reason in one sentence."""

    promote: bool
    reason: str


def decide(candidate: ModelScores, current: ModelScores, limits: JobLimits) -> Verdict:
    """Compare a candidate with what answers now; both judged on the same questions.

    Held-out scores of a candidate are those of a trial that had not seen these pairs.
    """
    harm = _harm(candidate, current, limits)
    if harm:
        return Verdict(False, harm)
    gained = candidate.train.exact - current.train.exact
    likelier = candidate.train.loglik - current.train.loglik
    if gained < 0 or (gained == 0 and likelier <= 0):
        return Verdict(
            False,
            f"It did not learn the room: {_share(candidate.train)} of its pairs right, "
            f"{_share(current.train)} before.",
        )
    return Verdict(
        True,
        f"It gets {_share(candidate.train)} of the room's pairs right, {_share(current.train)} before"
        + (f"; probe set {_share(candidate.probe)}." if candidate.probe.n else "."),
    )


def fewest_tokens(judged: Mapping[float, tuple[Score, Score]]) -> float:
    """The smallest share of vision tokens that costs nothing on held-out pairs; 1 where none is found.

    For each share the scores on held-out pairs and on the probe set, all of one model; 1 is among them. Two
    or three pairs alone would let chance decide: their answers may not become less likely by more than
    `_LESS_LIKELY` nats a token either, nor may the probe set lose more than a tenth of what is chance there.
    """
    pairs, general = judged[1.0]
    if not pairs.n:
        return 1.0
    chance = 0.1 * _CHANCE / math.sqrt(max(1, general.n))
    enough = [
        share
        for share, (ours, probe) in judged.items()
        if ours.exact >= pairs.exact
        and ours.loglik >= pairs.loglik - _LESS_LIKELY
        and probe.exact >= general.exact - chance
    ]
    return min(enough, default=1.0)


def _harm(candidate: ModelScores, current: ModelScores, limits: JobLimits) -> str:
    """What is wrong with the candidate beyond what may be, or nothing."""
    ours, theirs = candidate.hold_out, current.hold_out
    lost = round((theirs.exact - ours.exact) * ours.n)
    if lost > (max(1, math.ceil(limits.loses * ours.n)) if limits.loses else 0):
        return f"It loses {lost} of {ours.n} held-out answers."
    if lost > 0 and theirs.loglik - ours.loglik > limits.worse:
        return (
            f"Held-out answers become far less likely: {ours.loglik:.2f} nats a token, "
            f"{theirs.loglik:.2f} before."
        )
    chance = _CHANCE / math.sqrt(max(1, candidate.probe.n))
    if current.probe.exact - candidate.probe.exact > limits.forgets + chance:
        return f"It forgets: {_share(candidate.probe)} of the probe set, {_share(current.probe)} before."
    if not all(math.isfinite(score.loglik) for score in (candidate.train, ours, candidate.probe)):
        return "Its numbers are not finite."
    return ""


def _share(score: Score) -> str:
    return f"{score.exact:.0%}"
