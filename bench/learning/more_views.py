"""Views of a rendered room that no question of its visit was about: who says what of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.loop.build import RECORDED
from agent.recording.visit import Visit, read_visit
from bench.learning.asking import RoomStudent, Says
from bench.learning.places import SIZE, Place, waited_for
from bench.learning.plan import LearningPlan
from bench.rooms.sessions import make_more_views, write_session
from core.types import Frame
from models.expert import EncodedQuestion, LocalExpert
from models.images import load_image
from models.registry import load_model
from models.remote.address import is_address

MORE_VIEWS = "more-views"


def more_views_of(place: Place, out: Path) -> Visit | None:
    """What is asked about a rendered room's other views; they are made below `out` if they are not there.

    None for a room that has none. Raises StorageError.
    """
    folder = out / place.name / MORE_VIEWS
    with waited_for(folder.parent):
        if not folder.is_dir():
            made = make_more_views(place.split, place.index, SIZE)
            if made is None:
                return None
            write_session(made, folder)
    return read_visit(folder)


def local_expert(plan: LearningPlan) -> LocalExpert | None:
    """The expert of a rendered room, where that is a model on this machine."""
    config = plan.config
    name = plan.expert or config.expert.model
    if name == RECORDED or is_address(name):
        return None
    vlm = load_model(name, attention="eager")
    return LocalExpert(vlm, config.student.max_new_tokens, config.expert.looks)


def said_before(visit: Visit | None, asker: RoomStudent, expert: LocalExpert | None) -> dict[str, Any]:
    """The questions with their answers, what the student says untouched and, if it is here, the expert."""
    if visit is None:
        return {"turns": []}
    told = {"untouched": _said(visit, asker.untouched)}
    if expert is not None:
        told["expert"] = _by_expert(visit, expert, asker.answerers.config.images.max_pixels)
    turns = [
        {"turn": place + 1, "reference": turn.answer, "said": {name: told[name][place] for name in told}}
        for place, turn in enumerate(visit.turns)
    ]
    return {"turns": turns}


def said_after(visit: Visit | None, asker: RoomStudent) -> dict[str, list[str]]:
    """What it says with the adapter it has, by the rule in use and always."""
    if visit is None:
        return {"in use": [], "always": []}
    return {"in use": _said(visit, asker.adapted), "always": _said(visit, asker.unscoped)}


def _said(visit: Visit, says: Says) -> list[str]:
    return [says(turn.frame, turn.question) for turn in visit.turns]


def _by_expert(visit: Visit, expert: LocalExpert, max_pixels: int) -> list[str]:
    said: dict[int, str] = {}
    for frame, places in _by_frame(visit):
        (looks,) = expert.encode([Frame(frame.read_bytes(), load_image(frame, max_pixels))])
        asked = [EncodedQuestion(looks, visit.turns[place].question, signal=False) for place in places]
        answers = expert.answer_batch(asked)
        said |= {place: told.answer.text for place, told in zip(places, answers, strict=True)}
    return [said[place] for place in range(len(visit.turns))]


def _by_frame(visit: Visit) -> Iterator[tuple[Path, Sequence[int]]]:
    for frame in sorted({turn.frame for turn in visit.turns}):
        yield frame, [place for place, turn in enumerate(visit.turns) if turn.frame == frame]
