"""Whether the student's answer stands, given what such answers were worth elsewhere and in this session.

Asking for an agreement of 0.8 means: of the answers that the student gives after the warm-up, four in five
are what the expert would have said. Whenever the expert is asked instead, it audits the student.
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
"""Audits needed before an uncalibrated student may take over."""


@dataclass(frozen=True)
class Weight:
    """How likely the expert agrees with the student, and how likely it must be."""

    probability: float
    needed: float


@dataclass
class TakeOver:
    """One session's view of its student. `wanted` is the rate asked for; 0: its answers always stand. Without
    a calibration the model's confidence counts, the expert is asked until there are `ENOUGH` audits, and the
    threshold is fitted to those.
    """

    wanted: float = 0.0
    calibration: Calibration | None = None
    audits: list[tuple[Evidence, bool]] = field(default_factory=list)

    def weigh(self, evidence: Evidence) -> Weight:
        """What an answer with this evidence is worth now."""
        calibration = self.calibration
        if calibration is None:
            confidences = [audit.confidence for audit, _ in self.audits]
            agreed = [same for _, same in self.audits]
            fitted = fit_threshold(confidences, agreed, self.wanted, default=1.0, at_least=ENOUGH)
            return Weight(evidence.confidence, fitted if 0 < self.wanted < 1 else self.wanted)
        audits = [(calibration.logit(audit), same) for audit, same in self.audits]
        return Weight(calibration.probability(evidence, audits), calibration.threshold(self.wanted))

    def add_audit(self, evidence: Evidence, agreed: bool) -> None:
        """Note that the expert answered as well, and whether it agreed."""
        self.audits.append((evidence, agreed))


def open_takeover(
    student: str, wanted: float, audits: Iterable[tuple[Evidence, bool]]
) -> tuple[TakeOver, str]:
    """The take-over of a session with these audits, and a notice for its user, if any. Raises
    UnknownModelError, StorageError.
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
    """The audits in a session's log, in order; other versions' evidence gives none."""
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
    """The evidence in an event, None when it is of another version."""
    try:
        return Evidence(**values)
    except TypeError:
        return None


def fit_threshold(
    confidences: Sequence[float], right: Sequence[bool], wanted: float, default: float, at_least: int = 5
) -> float:
    """The lowest confidence from which the student was right at the `wanted` rate, in [0, 1]. `right`:
    whether the expert agreed with each answer. With fewer than `at_least` answers the `default` stands. When
    no threshold reaches the rate: 1.
    """
    if len(confidences) != len(right):
        raise ValueError(f"{len(confidences)} confidences but {len(right)} outcomes")
    if len(confidences) < at_least:
        return default
    pairs = sorted(zip(confidences, right, strict=True), reverse=True)
    best, hits = 1.0, 0
    for count, (confidence, agreed) in enumerate(pairs, start=1):
        hits += agreed
        # A threshold cannot part equal confidences.
        last = count == len(pairs) or pairs[count][0] < confidence
        if last and hits >= wanted * count:
            best = confidence
    return best
