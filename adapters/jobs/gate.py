"""Decide whether a candidate replaces the current adapter. Pure: scores in, verdict out.

Of a room's ten pairs or so two or three are held out: one answer more or less is chance. So a candidate is
rejected only for disproportionate harm, or for having learnt nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.jobs.judge import Score
from adapters.jobs.request import JobLimits

_LESS_LIKELY = 0.05
_CHANCE = 0.5
"""Divided by the root of the number of questions: how far accuracy varies by chance."""


@dataclass(frozen=True)
class ModelScores:
    """Scores of one model: on training pairs, held-out pairs and the probe set."""

    train: Score
    hold_out: Score
    probe: Score


@dataclass(frozen=True)
class Verdict:
    """Promote or not, and the reason in one sentence."""

    promote: bool
    reason: str


def decide(candidate: ModelScores, current: ModelScores, limits: JobLimits) -> Verdict:
    """Compare a candidate with the current adapter on the same questions.

    A candidate's held-out scores are those of a trial that had not seen these pairs.
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


def fewest_tokens(scores: Mapping[float, tuple[Score, Score]]) -> float:
    """The smallest share of vision tokens that costs nothing on held-out pairs; 1 if there is none.

    `scores` by share, including 1: on held-out pairs and on the probe set, of one model. Since two or three
    pairs leave much to chance, answers also may not lose more than `_LESS_LIKELY` nats a token, and the
    probe set not more than a tenth of its chance variation.
    """
    pairs, general = scores[1.0]
    if not pairs.n:
        return 1.0
    chance = 0.1 * _CHANCE / math.sqrt(max(1, general.n))
    sufficient = [
        share
        for share, (held_out, probe) in scores.items()
        if held_out.exact >= pairs.exact
        and held_out.loglik >= pairs.loglik - _LESS_LIKELY
        and probe.exact >= general.exact - chance
    ]
    return min(sufficient, default=1.0)


def _harm(candidate: ModelScores, current: ModelScores, limits: JobLimits) -> str:
    """The reason to reject a candidate as harmful, or ""."""
    candidate_pairs, current_pairs = candidate.hold_out, current.hold_out
    lost = round((current_pairs.exact - candidate_pairs.exact) * candidate_pairs.n)
    if lost > (max(1, math.ceil(limits.loses * candidate_pairs.n)) if limits.loses else 0):
        return f"It loses {lost} of {candidate_pairs.n} held-out answers."
    if lost > 0 and current_pairs.loglik - candidate_pairs.loglik > limits.worse:
        return (
            f"Held-out answers become far less likely: {candidate_pairs.loglik:.2f} nats a token, "
            f"{current_pairs.loglik:.2f} before."
        )
    chance = _CHANCE / math.sqrt(max(1, candidate.probe.n))
    if current.probe.exact - candidate.probe.exact > limits.forgets + chance:
        return f"It forgets: {_share(candidate.probe)} of the probe set, {_share(current.probe)} before."
    if not all(math.isfinite(score.loglik) for score in (candidate.train, candidate_pairs, candidate.probe)):
        return "Its numbers are not finite."
    return ""


def _share(score: Score) -> str:
    return f"{score.exact:.0%}"
