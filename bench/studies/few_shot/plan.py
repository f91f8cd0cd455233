"""What a study's folder holds, and that it holds only that study."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.studies.distill.few_shot import FewShotCourse
from core.config import Config
from core.errors import InputError
from core.files import atomic_write_text, cache_dir, storage_errors
from models.lora import base_of

_FILE = "study.json"
_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class StudyPlan:
    """Who learns from whom, on rooms of which split, how, and where everything is kept.

    `looks` the expert takes at each frame, `longest` are the tokens of an answer, `extra` the questions that
    the agent puts of its own accord: all as in the product. `mark` is by what its folder is known again.
    """

    student: str
    expert: str
    split: str
    course: FewShotCourse
    out: Path
    looks: int = 5
    longest: int = 24
    extra: int = 0
    mark: Mapping[str, Any] = field(default_factory=dict)

    def room(self, split: str, index: int) -> Path:
        """The folder of a room: what was asked there, and what the expert said."""
        return self.out / "rooms" / f"{split}-{index}"

    def result(self, method: str, index: int, seed: int) -> Path:
        """The file of one result."""
        name = "".join(letter if letter.isalnum() else "-" for letter in method)
        return self.out / "results" / name / f"{self.split}-{index}-{seed}.json"


def make_plan(
    student: str, expert: str, split: str, steps: int, out: Path | None, config: Config
) -> StudyPlan:
    """The plan; nothing is written yet. Raises InputError, UnknownModelError and WeightsError."""
    if split not in _SPLITS:
        raise InputError(f"There is no split {split!r} to measure on. Choose one: {' or '.join(_SPLITS)}.")
    bases = {"student": base_of(student).digest, "expert": base_of(expert).digest}
    looks, longest = config.expert.looks, config.student.max_new_tokens
    folder = out or cache_dir() / "studies" / "-".join(digest[:8] for digest in bases.values())
    extra = config.expert.extra
    mark = {**bases, "looks": looks, "longest": longest, "extra": extra}
    return StudyPlan(student, expert, split, FewShotCourse(steps=steps), folder, looks, longest, extra, mark)


def mark_folder(plan: StudyPlan) -> None:
    """Mark the plan's folder as this study's. Raises InputError when it holds anything else."""
    folder, path = plan.out, plan.out / _FILE
    if path.is_file():
        with storage_errors("read", path):
            text = path.read_text(encoding="utf-8")
        if _parse(text) != plan.mark:
            raise InputError(
                f"{folder} holds a study of other models or settings. Choose another folder with --out."
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds something else. Choose a new folder with --out.")
    else:
        atomic_write_text(path, json.dumps(plan.mark, indent=1) + "\n")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
