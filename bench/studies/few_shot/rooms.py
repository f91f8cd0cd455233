"""A study's folder, and its rendered rooms with questions and the expert's answers, made once and kept."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL.Image import Image

from agent.recording.visit import VisitTurn, read_visit
from agent.turns.interviewer import interview_expert, token_confidence
from agent.turns.things import Claim
from bench.rooms.sessions import WARM_UP, make_session, write_session
from bench.studies.distill.few_shot import FewShotCourse
from core.config import Config
from core.errors import InputError
from core.files import atomic_directory, atomic_write_text, cache_dir, storage_errors
from core.frames import read_frame
from core.types import Example, ExpertReply, Frame
from models.expert import LocalExpert
from models.images import load_image
from models.lora import base_of
from models.registry import load_model
from models.vlm import VisionLanguageModel

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
        mark = None
        with suppress(ValueError):
            mark = json.loads(text)
        if mark != plan.mark:
            raise InputError(
                f"{folder} holds a study of other models or settings. Choose another folder with --out."
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds something else. Choose a new folder with --out.")
    else:
        atomic_write_text(path, json.dumps(plan.mark, indent=1) + "\n")


_SIZE = 224
_MAX_PIXELS = 50_000_000
_ANSWERS, _EXTRA = "answers.json", "extra.json"


@dataclass(frozen=True)
class StudyRoom:
    """`turns` in the order asked, and beside each what the expert `answers`; its signals lie in `folder`."""

    name: str
    turns: tuple[VisitTurn, ...]
    answers: tuple[str, ...]
    folder: Path

    @property
    def later(self) -> range:
        """Which turns are measured: those after the warm-up."""
        return range(min(WARM_UP, len(self.turns)), len(self.turns))

    def pairs(self) -> list[Example]:
        """The expert's answers to the warm-up, with its signals; those without words teach nothing."""
        return [
            Example(f"{self.name}-{number}", turn.question, answers, turn.frame, _signal(self.folder, number))
            for number, (turn, answers) in enumerate(zip(self.turns, self.answers, strict=True))
            if number < WARM_UP and answers
        ]

    def extra(self) -> list[Example]:
        """What the expert said to the agent's own questions, with its signals."""
        with storage_errors("read", self.folder):
            extra = json.loads((self.folder / _EXTRA).read_text(encoding="utf-8"))
        return [
            Example(f"{self.name}-extra-{number}", question, answers, self.turns[place].frame,
                    _signal(self.folder, f"extra-{number}"))
            for number, (place, question, answers) in enumerate(extra)
        ]  # fmt: skip


@lru_cache(maxsize=2)
def model(name: str) -> VisionLanguageModel:
    """A model of this process, ready to show its attention maps."""
    return load_model(name, attention="eager")


def load_pictures(turns: Sequence[VisitTurn]) -> list[Image]:
    """The picture of each turn."""
    return [load_image(turn.frame, _MAX_PIXELS) for turn in turns]


def render_turns(plan: StudyPlan, split: str, index: int) -> tuple[VisitTurn, ...]:
    """The turns of a room's session, which is rendered first where that was not done before."""
    folder = plan.room(split, index) / "visit"
    if not folder.is_dir():
        write_session(make_session(split, index, _SIZE), folder)
    return read_visit(folder).turns


def expert_room(plan: StudyPlan, split: str, index: int) -> StudyRoom:
    """The room with the expert's answers to all turns, given as it gives them in the product."""
    turns, folder = render_turns(plan, split, index), plan.room(split, index) / "expert"
    if not folder.is_dir():
        _ask(plan, turns, folder)
    with storage_errors("read", folder):
        answers = json.loads((folder / _ANSWERS).read_text(encoding="utf-8"))
    return StudyRoom(f"{split}-{index}", turns, tuple(answers), folder)


def _ask(plan: StudyPlan, turns: Sequence[VisitTurn], folder: Path) -> None:
    expert = LocalExpert(model(plan.expert), plan.longest, plan.looks)
    frames = [read_frame(turn.frame, _MAX_PIXELS) for turn in turns]
    replies = [
        expert.ask(frame, turn.question, number)
        for number, (frame, turn) in enumerate(zip(frames, turns, strict=True), start=1)
    ]
    extra = _interview(plan, expert, turns, frames, replies)
    answers = [reply.answer.text for reply in replies]
    extra_answers = [(place, question, reply.answer.text) for place, question, reply in extra]
    with atomic_directory(folder) as new:
        _save_signals(new, {str(number): reply for number, reply in enumerate(replies)})
        _save_signals(new, {f"extra-{number}": reply for number, (_, _, reply) in enumerate(extra)})
        (new / _ANSWERS).write_text(json.dumps(answers) + "\n", encoding="utf-8")
        (new / _EXTRA).write_text(json.dumps(extra_answers) + "\n", encoding="utf-8")


def _interview(
    plan: StudyPlan,
    expert: LocalExpert,
    turns: Sequence[VisitTurn],
    frames: Sequence[Frame],
    replies: Sequence[ExpertReply],
) -> list[tuple[int, str, ExpertReply]]:
    """The agent's own questions after each of the warm-up's, as in the product: turn, question, answer."""
    claims: list[Claim] = []
    questions = []
    for place in range(min(WARM_UP, len(turns))):
        frame, reply = turns[place].frame.name, replies[place]
        claims.append(
            Claim(frame, turns[place].question, reply.answer.text, token_confidence(reply.signal), "person")
        )
        each = plan.extra // WARM_UP
        for portion in interview_expert(expert, frames[place], claims, frame, place + 1, each):
            questions += [(place, question, reply) for question, reply in portion if reply.answer.text]
    return questions


def _save_signals(folder: Path, replies: Mapping[str, ExpertReply]) -> None:
    for name, reply in replies.items():
        if reply.signal is not None:
            _signal(folder, name).write_bytes(reply.signal)


def _signal(folder: Path, name: str | int) -> Path:
    return folder / f"signal-{name}.safetensors"
