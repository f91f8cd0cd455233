"""A rendered room, what was asked there, and what the expert said to it; each made once and kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL.Image import Image

from agent.recording.visit import VisitTurn, read_visit
from agent.turns.interviewer import interview_expert, token_confidence
from agent.turns.things import Claim
from bench.rooms.sessions import WARM_UP, make_session, write_session
from bench.studies.few_shot.plan import StudyPlan
from core.files import atomic_directory, storage_errors
from core.frames import read_frame
from core.types import Example, ExpertReply, Frame
from models.expert import LocalExpert
from models.images import load_image
from models.registry import load_model
from models.vlm import VisionLanguageModel

_SIZE = 224
_MAX_PIXELS = 50_000_000
_ANSWERS, _EXTRA = "answers.json", "extra.json"


@dataclass(frozen=True)
class StudyRoom:
    """`turns` in the order asked, and beside each what the expert `told`; its signals lie in `folder`."""

    name: str
    turns: tuple[VisitTurn, ...]
    told: tuple[str, ...]
    folder: Path

    @property
    def later(self) -> range:
        """Which turns are measured: those after the warm-up."""
        return range(min(WARM_UP, len(self.turns)), len(self.turns))

    def pairs(self) -> list[Example]:
        """The expert's answers to the warm-up, with its signals; those without words teach nothing."""
        return [
            Example(f"{self.name}-{number}", turn.question, told, turn.frame, _signal(self.folder, number))
            for number, (turn, told) in enumerate(zip(self.turns, self.told, strict=True))
            if number < WARM_UP and told
        ]

    def extra(self) -> list[Example]:
        """What the expert said to the agent's own questions, with its signals."""
        with storage_errors("read", self.folder):
            asked = json.loads((self.folder / _EXTRA).read_text(encoding="utf-8"))
        return [
            Example(f"{self.name}-extra-{number}", question, told, self.turns[place].frame,
                    _signal(self.folder, f"extra-{number}"))
            for number, (place, question, told) in enumerate(asked)
        ]  # fmt: skip


@lru_cache(maxsize=2)
def model(name: str) -> VisionLanguageModel:
    """A model of this process, ready to show its attention maps."""
    return load_model(name, attention="eager")


def shown(turns: Sequence[VisitTurn]) -> list[Image]:
    """The picture of each turn."""
    return [load_image(turn.frame, _MAX_PIXELS) for turn in turns]


def rendered(plan: StudyPlan, split: str, index: int) -> tuple[VisitTurn, ...]:
    """The turns of a room's session, which is rendered first where that was not done before."""
    folder = plan.room(split, index) / "visit"
    if not folder.is_dir():
        write_session(make_session(split, index, _SIZE), folder)
    return read_visit(folder).turns


def answered(plan: StudyPlan, split: str, index: int) -> StudyRoom:
    """The room with the expert's answers to all turns, given as it gives them in the product."""
    turns, folder = rendered(plan, split, index), plan.room(split, index) / "expert"
    if not folder.is_dir():
        _ask(plan, turns, folder)
    with storage_errors("read", folder):
        told = json.loads((folder / _ANSWERS).read_text(encoding="utf-8"))
    return StudyRoom(f"{split}-{index}", turns, tuple(told), folder)


def _ask(plan: StudyPlan, turns: Sequence[VisitTurn], folder: Path) -> None:
    expert = LocalExpert(model(plan.expert), plan.longest, plan.looks)
    frames = [read_frame(turn.frame, _MAX_PIXELS) for turn in turns]
    told = [
        expert.ask(frame, turn.question, number)
        for number, (frame, turn) in enumerate(zip(frames, turns, strict=True), start=1)
    ]
    extra = _further(plan, expert, turns, frames, told)
    asked = [(place, question, one.answer.text) for place, question, one in extra]
    with atomic_directory(folder) as new:
        _keep(new, {str(number): one for number, one in enumerate(told)})
        _keep(new, {f"extra-{number}": one for number, (_, _, one) in enumerate(extra)})
        (new / _ANSWERS).write_text(json.dumps([one.answer.text for one in told]) + "\n", encoding="utf-8")
        (new / _EXTRA).write_text(json.dumps(asked) + "\n", encoding="utf-8")


def _further(
    plan: StudyPlan,
    expert: LocalExpert,
    turns: Sequence[VisitTurn],
    frames: Sequence[Frame],
    told: Sequence[ExpertReply],
) -> list[tuple[int, str, ExpertReply]]:
    """The agent's own questions after each of the warm-up's, as in the product: turn, question, answer."""
    heard: list[Claim] = []
    found = []
    for place in range(min(WARM_UP, len(turns))):
        frame, one = turns[place].frame.name, told[place]
        heard.append(
            Claim(frame, turns[place].question, one.answer.text, token_confidence(one.signal), "person")
        )
        each = plan.extra // WARM_UP
        for portion in interview_expert(expert, frames[place], heard, frame, place + 1, each):
            found += [(place, question, said) for question, said in portion if said.answer.text]
    return found


def _keep(folder: Path, told: Mapping[str, ExpertReply]) -> None:
    for name, one in told.items():
        if one.signal is not None:
            _signal(folder, name).write_bytes(one.signal)


def _signal(folder: Path, name: str | int) -> Path:
    return folder / f"signal-{name}.safetensors"
