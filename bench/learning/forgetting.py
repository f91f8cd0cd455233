"""What learning one room costs elsewhere: on questions about other rooms, and on the probe set.

The probe set tells how many answers change, the other rooms, whose answers are known, whether they get worse.
Both are asked by the rule in use, by which the adapter stands back where nothing like it was taught, and once
more without that rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.recording.visit import read_visit
from bench.learning.asking import Answerer, RoomStudent
from core.scoring import exact_match
from core.types import Example

_EACH = 10
"""Questions of each other room: as many as a warm-up."""


@dataclass(frozen=True)
class Elsewhere:
    """Questions of other rooms with their answers, and the probe set's."""

    questions: Sequence[Example]
    probe: Sequence[Example]


def first_questions(sessions: Sequence[Path]) -> list[Example]:
    """The first questions of each session whose answers are known. Raises InputError."""
    return [
        Example(f"{place}-{number}", turn.question, turn.answer, turn.frame)
        for place, session in enumerate(sessions)
        for number, turn in enumerate(read_visit(session).turns[:_EACH])
        if turn.answer
    ]


class Forgetting:
    """What the untouched student says elsewhere, asked once, and what becomes of that with an adapter."""

    def __init__(self, student: RoomStudent, elsewhere: Elsewhere) -> None:
        self._student, self._elsewhere = student, elsewhere
        examples = [*elsewhere.questions, *elsewhere.probe]
        self._before = [student.answer_bare(example.image, example.question) for example in examples]

    def count(self, in_use: Answerer, always: Answerer | None = None) -> dict[str, Any]:
        """Counts, by rule: of `n` answers how many are right, of `probes` how many are not what they were."""
        counts: dict[str, Any] = {
            "n": len(self._elsewhere.questions),
            "probes": len(self._elsewhere.probe),
            "before": self._count_right(self._before),
            "in use": self._count(in_use, scoped=not self._student.at_home),
        }
        return counts if always is None else {**counts, "always": self._count(always, scoped=False)}

    def _count(self, answer: Answerer, scoped: bool) -> dict[str, int]:
        """`scoped`: the untouched student answers what is like nothing taught, and is not asked again."""
        examples = [*self._elsewhere.questions, *self._elsewhere.probe]
        answers = [
            before
            if scoped and not self._student.is_taught(example.image, example.question)
            else answer(example.image, example.question)
            for example, before in zip(examples, self._before, strict=True)
        ]
        probes = list(zip(answers, self._before, strict=True))[len(self._elsewhere.questions) :]
        changed = sum(not exact_match(now, before) for now, before in probes)
        return {"right": self._count_right(answers), "changed": changed}

    def _count_right(self, answers: Sequence[str]) -> int:
        questions = self._elsewhere.questions
        return sum(
            exact_match(text, example.answer) for text, example in zip(answers, questions, strict=False)
        )
