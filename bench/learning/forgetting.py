"""What learning one room costs elsewhere: on questions about other rooms, and on the probe set.

The probe set tells how much is answered otherwise, not whether that is worse; the other rooms, whose answers
are known, tell that. Both are asked by the rule in use, by which the adapter stands back where nothing like
it was taught, and once more without that rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.recording.visit import read_visit
from bench.learning.asking import RoomStudent, Says
from core.scoring import exact_match
from core.types import Example

_EACH = 10
"""Questions of each other room: as many as a warm-up."""


@dataclass(frozen=True)
class Elsewhere:
    """Questions of other rooms with their answers, and the probe set's."""

    questions: Sequence[Example]
    probe: Sequence[Example]


def questions_of(sessions: Sequence[Path]) -> list[Example]:
    """The first questions of each session whose answers are known. Raises InputError."""
    return [
        Example(f"{place}-{number}", turn.question, turn.answer, turn.frame)
        for place, session in enumerate(sessions)
        for number, turn in enumerate(read_visit(session).turns[:_EACH])
        if turn.answer
    ]


class Forgetting:
    """What the untouched student says elsewhere, asked once, and what becomes of that with an adapter."""

    def __init__(self, asker: RoomStudent, elsewhere: Elsewhere) -> None:
        self._asker, self._elsewhere = asker, elsewhere
        self._before = {
            question.id: asker.untouched(question.image, question.question)
            for question in elsewhere.questions
        }
        self._probe = {one.id: asker.untouched(one.image, one.question) for one in elsewhere.probe}

    def of(self, in_use: Says, always: Says | None = None) -> dict[str, Any]:
        """Counts, by rule: of `n` answers how many are right, of `probes` how many are not what they were."""
        told: dict[str, Any] = {
            "n": len(self._before),
            "probes": len(self._probe),
            "before": sum(exact_match(self._before[o.id], o.answer) for o in self._elsewhere.questions),
            "in use": self._under(in_use, scoped=True),
        }
        return told if always is None else {**told, "always": self._under(always, scoped=False)}

    def _under(self, says: Says, scoped: bool) -> dict[str, int]:
        questions, probe = self._elsewhere.questions, self._elsewhere.probe
        said = self._said(says, questions, self._before, scoped)
        again = self._said(says, probe, self._probe, scoped)
        return {
            "right": sum(exact_match(said[question.id], question.answer) for question in questions),
            "changed": sum(not exact_match(again[one.id], self._probe[one.id]) for one in probe),
        }

    def _said(
        self, says: Says, asked: Sequence[Example], before: dict[str, str], scoped: bool
    ) -> dict[str, str]:
        """The answers by id; where the rule lets the untouched student answer, it is not asked again."""
        spared = scoped and not self._asker.at_home
        same = {one.id for one in asked if spared and not self._asker.is_taught(one.image, one.question)}
        return {one.id: before[one.id] if one.id in same else says(one.image, one.question) for one in asked}
