"""What is measured, and where each part of the result is kept; a part that is there is not done again."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.jobs.request import recipe_for
from agent.recording.past import visit_digest
from agent.recording.visit import Visit
from bench.learning.places import Place
from core.config import Config
from core.files import atomic_write_text, storage_errors
from models.lora import base_of

_SHORT = 12


@dataclass(frozen=True)
class LearningPlan:
    """The same for all rooms. `expert` None: as it fits a session; `warm_up` None: half of its questions.

    `home_every`: after so many rooms of a stream, and at its end, home is consolidated; None: only at its
    end; 0: never.
    """

    student: str
    expert: str | None
    warm_up: int | None
    methods: tuple[str, ...]
    config: Config
    out: Path
    home_every: int | None = None
    review: bool = False
    """Whether after each visit of a stream the expert is asked what the student answered itself."""
    more_views: bool = False
    """Whether other views of the rendered rooms that are measured are asked about as well."""

    def about(self) -> dict[str, Any]:
        """All that a replay depends on, but for its room, seed and start. Raises UnknownModelError."""
        return {
            "student": self.student,
            "weights": base_of(self.student).digest,
            "expert": self.expert,
            "warm_up": self.warm_up,
            "config": self.config.model_dump(mode="json"),
            "recipes": [asdict(recipe_for(extra)) for extra in (0, 1)],
            **({"review": True} if self.review else {}),
        }


@dataclass(frozen=True)
class Start:
    """What a visit begins with: a folder with memory and adapters, None for nothing. `key` names it."""

    folder: Path | None = None
    key: str = ""


@dataclass(frozen=True)
class Unit:
    """One visit with one seed. `others` are rooms whose questions show what it makes the student forget."""

    place: Place
    seed: int
    others: tuple[Place, ...] = ()
    start: Start = Start()

    def folder(self, plan: LearningPlan, visit: Visit) -> Path:
        """Where it is kept: another folder for whatever makes another result."""
        visit_key = visit_digest(visit)
        about = {**plan.about(), "seed": self.seed, "start": self.start.key, "visit": visit_key}
        return plan.out / self.place.name / digest(about)


def digest(value: Any) -> str:
    """A short name for plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:_SHORT]


def read_part(folder: Path, name: str) -> dict[str, Any] | None:
    """A part of the result, None when it is not there. Raises StorageError."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    with storage_errors("read", path):
        part: dict[str, Any] = json.loads(path.read_bytes())
    return part


def write_part(folder: Path, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Keep a part, whole. Returns what `read_part` will. Raises StorageError."""
    atomic_write_text(folder / f"{name}.json", json.dumps(values) + "\n")
    return values
