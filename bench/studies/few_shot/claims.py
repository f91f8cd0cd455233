"""What holds here of what was published, and what of ours: sentences that the intervals write."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from bench.measure.intervals import Interval
from bench.measure.report import Row, Value, measured
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.scores import MethodScores

Sign = Literal["above", "below", "no different"]


@dataclass(frozen=True)
class PublishedClaim:
    """That one row is above or below another, or no different from it; `published` by how much, if told."""

    first: str
    second: str
    expected: Sign
    metric: str = "exact"
    published: float | None = None


@dataclass(frozen=True)
class ClaimVerdict:
    """What was measured of a claim."""

    claim: PublishedClaim
    difference: Interval

    @property
    def sign(self) -> Sign:
        """On which side of nothing the interval lies."""
        return sign(self.difference)

    @property
    def holds(self) -> bool | None:
        """None when the interval cannot tell: it holds 0 where a difference is claimed."""
        if not isfinite(self.difference.low):  # one room says nothing about the next
            return None
        if self.sign == self.claim.expected:
            return True
        return None if self.sign == "no different" else False


def sign(difference: Interval) -> Sign:
    """Above or below 0 with the whole interval; else, also with one room alone, no different."""
    if difference.low > 0:
        return "above"
    return "below" if difference.high < 0 else "no different"


def judge(claims: Sequence[PublishedClaim], scores: MethodScores) -> list[ClaimVerdict]:
    """Those claims whose two rows were measured."""
    return [
        ClaimVerdict(claim, scores.difference(claim.first, claim.second, claim.metric))
        for claim in claims
        if scores.has(claim.first, claim.second)
    ]


def claim_rows(verdicts: Sequence[ClaimVerdict]) -> list[Row]:
    """A row a claim."""
    words = {True: "holds", False: "does not hold", None: "cannot be told"}
    return [
        measured(
            verdict.difference, metric=f"{verdict.claim.metric} difference", method=verdict.claim.first,
            against=verdict.claim.second, claim=verdict.claim.expected, published=verdict.claim.published,
        )
        | {"verdict": words[verdict.holds]}
        for verdict in verdicts
    ]  # fmt: skip


def sentences(
    verdicts: Sequence[ClaimVerdict], scores: MethodScores, entries: Sequence[Entry], reference: str
) -> Iterator[str]:
    """A paragraph: each claim, then who is above, below and beside the reference."""
    yield from (_sentence(verdict) for verdict in verdicts)
    sides: dict[Sign, list[str]] = {"above": [], "below": [], "no different": []}
    for entry in entries:
        if entry.name != reference:
            difference = scores.difference(entry.name, reference, "exact")
            sides[sign(difference)].append(f"{entry.name} ({difference.mean:+.3f})")
    words: dict[Sign, str] = {
        "above": f"Right more often than {reference}",
        "below": f"Right less often than {reference}",
        "no different": f"Not to be told from {reference}",
    }
    for side, names in sides.items():
        yield f"{words[side]}: {', '.join(names) or 'none'}."


def published_rows(numbers: Sequence[tuple[str, float]], metric: str, source: str) -> list[Row]:
    """What the source prints, beside ours."""
    nothing: dict[str, Value] = {"low": None, "high": None, "n": None}
    return [
        {"method": name, "source": source, "metric": metric, "mean": value, **nothing}
        for name, value in numbers
    ]


def _sentence(verdict: ClaimVerdict) -> str:
    claim, difference = verdict.claim, verdict.difference
    expected = "no different from" if claim.expected == "no different" else claim.expected
    published = "" if claim.published is None else f" (published: {claim.published:+g})"
    words = {True: "holds here", False: "does not hold here", None: "cannot be told here"}[verdict.holds]
    if claim.expected == "no different" and verdict.holds:
        words = "is not contradicted here"
    subject = f"That {claim.first} is {expected} {claim.second}{published}"
    return f"{subject} {words}: {claim.metric} {difference:+.3f}."
