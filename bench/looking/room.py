"""One rendered room: what share of each map lies on the things that a question is about.

The expert answers the warm-up, the student learns those answers, and both are asked the rest. A thing's
pixels are known from the renderer, and only to what measures. Learning is plain LoRA of a few steps on the
ten pairs (`bench.studies.distill.few_shot`), with the expert's words alone or with where it looked beside.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.rooms.sessions import WARM_UP, Session, make_session
from bench.studies.distill.few_shot import DistillationMethod, FewShotCourse, Pairs, read, train_few
from bench.studies.few_shot.rooms import model
from core.frames import decode, encode
from core.scoring import exact_match
from models.inside.attention import (
    QueryTokens,
    attention_maps,
    normalise_map,
    on_grid,
    rollouts,
    teacher_forced_with_maps,
)
from models.lora import Adapter, AdapterSlot
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

METHODS: Mapping[str, Mapping[str, float]] = {
    "lora": {"ce": 1.0},
    "lora+attention": {"ce": 1.0, "t2v_kl": 0.5},
}
"""What is learnt from, and how much it counts: the expert's words; where its first layer looked beside."""
EXPERT, UNTOUCHED = "expert", "untouched"
_SIZE, _QUALITY = 224, 92
_LONGEST = 24

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Mass:
    """One question and one model's one map: the share of it on the thing, whose part of the frame is `area`.

    `words`: whose words look, and through which layers. `right`: whether that model's answer is.
    """

    room: int
    method: str
    words: str
    share: float
    area: float
    right: bool


@dataclass(frozen=True)
class LookingPlan:
    """Who learns from whom in rooms of which split, and with which seed."""

    student: str
    expert: str
    split: str
    seed: int = 0
    course: FewShotCourse = field(default_factory=FewShotCourse)


def measure_room(plan: LookingPlan, index: int) -> list[Mass]:
    """Render, learn, ask and look. Raises UnknownModelError, WeightsError, InputError without maps."""
    torch.set_num_threads(1)
    session = make_session(plan.split, index, _SIZE)
    expert, student = (model(name) for name in (plan.expert, plan.student))
    slot = AdapterSlot(student)
    masses = list(_measure_masses(session, expert, EXPERT))
    adapters: dict[str, Adapter | None] = {UNTOUCHED: None}
    for name, weights in METHODS.items():
        pairs = _pairs(session, student, expert)
        adapters[name] = train_few(
            student, pairs, DistillationMethod(dict(weights)), plan.course, plan.seed
        ).adapter
    for name, adapter in adapters.items():
        slot.activate(adapter)
        try:
            masses += _measure_masses(session, student, name)
        finally:
            slot.deactivate()
    return masses


def coverage(ids: NDArray[np.uint16], subject: Sequence[int], rows: int, cols: int) -> Numbers:
    """The part of each cell [rows, cols] that the things with these ids cover, in [0, 1]."""
    mask = Image.fromarray(np.isin(ids, list(subject)).astype(np.float32), mode="F")
    return np.asarray(mask.resize((cols, rows), Image.Resampling.BOX), np.float32)


def on_thing(cells: torch.Tensor, covered: Numbers) -> float:
    """The share of a map [rows, cols] that lies on what covers the cells so."""
    return float((normalise_map(cells).cpu().numpy() * covered).sum())


def _jpeg_pictures(session: Session) -> list[Image.Image]:
    """Frames as a camera's JPEG shows them."""
    return [decode(encode(Image.fromarray(shot.frame.rgb), _QUALITY)) for shot in session.shots]


def _pairs(session: Session, student: VisionLanguageModel, expert: VisionLanguageModel) -> Pairs:
    """The warm-up as the expert answers it."""
    pictures, turns = _jpeg_pictures(session), session.turns[:WARM_UP]
    places = [turn.frame for turn in turns]
    questions = [turn.question.text for turn in turns]
    with torch.no_grad():
        theirs = expert.constant_features(expert.prepare(pictures))[places]
        ours = student.constant_features(student.prepare(pictures))[places]
        answers = [answer.text for answer in expert.answer_many(expert.project(theirs), questions, _LONGEST)]
        return Pairs(ours, questions, answers, read(expert, theirs, questions, answers, maps=True))


def _measure_masses(session: Session, vlm: VisionLanguageModel, method: str) -> Iterator[Mass]:
    """Of each later question about things that can be seen: where this model looks for its own answer."""
    pictures = _jpeg_pictures(session)
    visions: dict[int, VisionTokens] = {}
    for turn in session.turns[WARM_UP:]:
        ids = session.shots[turn.frame].frame.ids
        area = float(np.isin(ids, list(turn.question.subject)).mean())
        if area <= 0:
            continue
        if turn.frame not in visions:
            visions[turn.frame] = vlm.encode_images([pictures[turn.frame]])
        vision = visions[turn.frame]
        answer = vlm.answer(vision, turn.question.text, _LONGEST).text
        forced = teacher_forced_with_maps(vlm, vision, turn.question.text, answer)
        covered = coverage(ids, turn.question.subject, vision.rows, vision.cols)
        right = exact_match(answer, turn.question.answer)
        for words, cells in _maps(forced, vision):
            yield Mass(session.room.index, method, words, on_thing(cells, covered), area, bool(right))


def _maps(forced: TeacherForced, vision: VisionTokens) -> Iterator[tuple[str, torch.Tensor]]:
    """The maps that are measured, [rows, cols] each, by name."""
    kinds: tuple[QueryTokens, ...] = ("answer", "question")
    for words in kinds:
        attention = attention_maps(forced, vision, words)
        if attention is None:
            continue
        yield f"{words}, all layers", attention.select()
        for name, layer in (("first", 0), ("last", len(attention.cells) - 1)):
            yield f"{words}, {name} layer", attention.select(layer)
    last = rollouts(forced.attentions)[-1][0]
    yield "question, rollout", on_grid(last[forced.txt[0]][:, forced.vis[0]].mean(dim=0), forced, vision)
