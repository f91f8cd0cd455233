"""Whether the student's answer stands: what such answers were worth elsewhere, and in this session.

Whoever asks for agreement of at least 0.8 is promised: of the answers that the student gives after the
warm-up, four in five are what the expert would have said. Each time the expert is asked instead it audits the
student, whose answer is known by then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.takeover.calibration import Calibration, find_calibration
from agent.takeover.evidence import Evidence
from core.errors import WeightsError
from core.events import Answered, Event, Weighed
from core.scoring import exact_match

ENOUGH = 10
"""Audits before an uncalibrated student may take over."""


@dataclass(frozen=True)
class Weight:
    """How likely the expert would say the same as the student, and how likely it must be."""

    probability: float
    needed: float


@dataclass
class TakeOver:
    """What one session knows of its student. `wanted` is the rate asked for; 0: its answers always stand.

    Without a calibration the model's own confidence counts, the expert is asked until there are `ENOUGH`
    audits, and the threshold is fitted to those alone.
    """

    wanted: float = 0.0
    calibration: Calibration | None = None
    audits: list[tuple[Evidence, bool]] = field(default_factory=list)

    def weigh(self, evidence: Evidence) -> Weight:
        """What an answer with this evidence is worth now."""
        known = self.calibration
        if known is None:
            confidences = [audit.confidence for audit, _ in self.audits]
            agreed = [same for _, same in self.audits]
            fitted = fit_threshold(confidences, agreed, self.wanted, default=1.0, at_least=ENOUGH)
            return Weight(evidence.confidence, fitted if 0 < self.wanted < 1 else self.wanted)
        audits = [(known.logit(audit), same) for audit, same in self.audits]
        return Weight(known.probability(evidence, audits), known.threshold(self.wanted))

    def audited(self, evidence: Evidence, agreed: bool) -> None:
        """The expert was asked what the student had answered with this evidence."""
        self.audits.append((evidence, agreed))


def ready(student: str, wanted: float, audits: Iterable[tuple[Evidence, bool]]) -> tuple[TakeOver, str]:
    """For a session of this student that has had these audits, and what its user should know, if anything.

    Raises UnknownModelError, StorageError.
    """
    notice = ""
    try:
        calibration = find_calibration(student)
    except WeightsError as error:
        calibration = None
        if 0 < wanted < 1:
            notice = f"{error} Until then the expert is asked until it has audited {ENOUGH} answers."
    return TakeOver(wanted, calibration, list(audits)), notice


def audits_of(events: Iterable[Event]) -> list[tuple[Evidence, bool]]:
    """The audits that a session's events amount to, in order; a log with other evidence than ours has
    none."""
    weighed: dict[int, Weighed] = {}
    audits = []
    for event in events:
        if isinstance(event, Weighed):
            weighed[event.turn] = event
        elif isinstance(event, Answered) and event.by == "expert" and event.turn in weighed:
            evidence = read_evidence(weighed[event.turn].evidence)
            if evidence is not None:
                audits.append((evidence, exact_match(event.text, weighed[event.turn].text)))
    return audits


def read_evidence(values: Any) -> Evidence | None:
    """The evidence that an event carries, None when it is not of this version's kind."""
    try:
        return Evidence(**values)
    except TypeError:
        return None


def fit_threshold(
    confidences: Sequence[float], right: Sequence[bool], wanted: float, default: float, at_least: int = 5
) -> float:
    """The lowest confidence from which the student has been right at the `wanted` rate, in [0, 1].

    `right` says for each answer whether the expert agreed. With fewer than `at_least` answers the
    `default` stands. When no threshold reaches the rate, one above every confidence seen: 1.
    """
    if len(confidences) != len(right):
        raise ValueError(f"{len(confidences)} confidences but {len(right)} outcomes")
    if len(confidences) < at_least:
        return default
    pairs = sorted(zip(confidences, right, strict=True), reverse=True)
    best, hits = 1.0, 0
    for count, (confidence, agreed) in enumerate(pairs, start=1):
        hits += agreed
        # Equal confidences are taken together: a threshold cannot part them.
        last = count == len(pairs) or pairs[count][0] < confidence
        if last and hits >= wanted * count:
            best = confidence
    return best
