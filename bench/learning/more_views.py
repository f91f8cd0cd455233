"""Views of a rendered room that no question of its visit was about: who says what of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.loop.build import RECORDED
from agent.recording.visit import Visit, read_visit
from bench.learning.asking import Answerer, RoomStudent
from bench.learning.places import SIZE, Place, wait_for_folder
from bench.learning.plan import LearningPlan
from bench.rooms.sessions import make_more_views, write_session
from core.types import Frame
from models.expert import EncodedQuestion, LocalExpert
from models.images import load_image
from models.registry import load_model
from models.remote.address import is_address

MORE_VIEWS = "more-views"


def open_more_views(place: Place, out: Path) -> Visit | None:
    """Questions about a rendered room's other views, made below `out` if missing; None for a room without.

    Raises StorageError.
    """
    folder = out / place.name / MORE_VIEWS
    with wait_for_folder(folder.parent):
        if not folder.is_dir():
            session = make_more_views(place.split, place.index, SIZE)
            if session is None:
                return None
            write_session(session, folder)
    return read_visit(folder)


def local_expert(plan: LearningPlan) -> LocalExpert | None:
    """The expert of a rendered room, where that is a model on this machine."""
    config = plan.config
    name = plan.expert or config.expert.model
    if name == RECORDED or is_address(name):
        return None
    vlm = load_model(name, attention="eager")
    return LocalExpert(vlm, config.student.max_new_tokens, config.expert.looks)


def ask_before(visit: Visit | None, student: RoomStudent, expert: LocalExpert | None) -> dict[str, Any]:
    """The questions with their answers, what the student says untouched and, if it is here, the expert."""
    if visit is None:
        return {"turns": []}
    answers = {"untouched": _answers(visit, student.answer_bare)}
    if expert is not None:
        answers["expert"] = _expert_answers(visit, expert, student.answerers.config.images.max_pixels)
    turns = [
        {
            "turn": place + 1,
            "reference": turn.answer,
            "said": {name: answers[name][place] for name in answers},
        }
        for place, turn in enumerate(visit.turns)
    ]
    return {"turns": turns}


def ask_adapted(visit: Visit | None, student: RoomStudent) -> dict[str, list[str]]:
    """What it says with the adapter it has, by the rule in use and always."""
    if visit is None:
        return {"in use": [], "always": []}
    return {
        "in use": _answers(visit, student.answer_adapted),
        "always": _answers(visit, student.answer_always),
    }


def _answers(visit: Visit, answer: Answerer) -> list[str]:
    return [answer(turn.frame, turn.question) for turn in visit.turns]


def _expert_answers(visit: Visit, expert: LocalExpert, max_pixels: int) -> list[str]:
    texts: dict[int, str] = {}
    for frame, places in _questions_by_frame(visit):
        (encoded,) = expert.encode([Frame(frame.read_bytes(), load_image(frame, max_pixels))])
        questions = [EncodedQuestion(encoded, visit.turns[place].question, signal=False) for place in places]
        answers = expert.answer_batch(questions)
        texts |= {place: reply.answer.text for place, reply in zip(places, answers, strict=True)}
    return [texts[place] for place in range(len(visit.turns))]


def _questions_by_frame(visit: Visit) -> Iterator[tuple[Path, Sequence[int]]]:
    for frame in sorted({turn.frame for turn in visit.turns}):
        yield frame, [place for place, turn in enumerate(visit.turns) if turn.frame == frame]
