"""`roomwise bench models`: how many questions about rooms they never saw the built-in pair gets right.

Every row names a `model` (`blind` reads only the question), a `family` (or `all`), and which questions
are counted: `all`, `seen` and `unseen`, the last being those about what the student was never shown.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Annotated, TypeVar

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track

from bench.measure.crew import crew
from bench.measure.intervals import bootstrap_mean, paired_difference
from bench.measure.options import Json, RenderJobs, Split
from bench.measure.report import Report, Row, emit, measured
from bench.rooms.blind import BlindReader
from bench.rooms.questions.ask import sample_training
from bench.rooms.questions.draft import Question
from bench.rooms.sessions import VIEWS, make_session
from bench.rooms.views import visit
from core.frames import decode, encode
from core.scoring import exact_match, nls
from models.registry import load_model

PAIR = ("builtin-student", "builtin-expert")
BLIND = "blind"
BLIND_ROOMS = 150
"""Training rooms whose questions the blind reader learns from."""
_BLIND_SIZE = 96  # pixels; it never sees them, but they decide what can be asked
_BLIND_QUESTIONS = 24  # a frame
_LONGEST = 12  # tokens of an answer
_QUALITY = 92  # of JPEG

_Item = TypeVar("_Item")
app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class PicturedQuestion:
    """One question of a session with its picture, as a person's camera would store it (JPEG bytes)."""

    room: int
    frame: int
    picture: bytes
    question: Question
    needs_unseen: bool


@app.command()
def models(
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Held-out rooms, twenty questions each.")] = 50,
    model: Annotated[list[str] | None, typer.Option("--model", help="A name or folder; repeatable.")] = None,
    split: Split = "test",
    size: Annotated[int, typer.Option("--size", min=64, help="Side of a frame in pixels.")] = 224,
    jobs: RenderJobs = 2,
    seed: Annotated[int, typer.Option("--seed", help="For the intervals; the rooms are fixed.")] = 0,
    as_json: Json = False,
) -> None:
    """Ask models twenty questions about each of many rooms that none was trained on.

    Example: roomwise bench models --rooms 50 --json
    """
    names = tuple(model or PAIR)
    questions = held_out_questions(split, rooms, size, jobs)
    blind = blind_reader(BLIND_ROOMS, jobs)
    answers = {BLIND: [blind.guess(question.question) for question in questions]}
    for name in names:
        answers[name] = answer_all(name, questions)
    emit(Report("bench models", seed, list(rows(questions, answers, seed))), json=as_json)


def held_out_questions(split: str, rooms: int, size: int, jobs: int) -> list[PicturedQuestion]:
    """The questions of the first `rooms` sessions of a split, rendered by `jobs` processes."""
    return _each_room(partial(_session_questions, split=split, size=size), rooms, jobs, "rooms")


def blind_reader(rooms: int, jobs: int) -> BlindReader:
    """A reader of questions alone, who knows the answers in `rooms` training rooms."""
    return BlindReader().learn(_each_room(_training_questions, rooms, jobs, "rooms for the blind reader"))


def _each_room(make: Callable[[int], list[_Item]], rooms: int, jobs: int, what: str) -> list[_Item]:
    with crew(jobs) as workers:
        return [item for room in workers.each(make, range(rooms), what) for item in room]


def _training_questions(index: int) -> list[Question]:
    _, shots = visit("train", index, _BLIND_SIZE, VIEWS)
    rng = np.random.default_rng([index, 4])
    return [question for shot in shots for question in sample_training(shot.facts, rng, _BLIND_QUESTIONS)]


def _session_questions(index: int, split: str, size: int) -> list[PicturedQuestion]:
    session = make_session(split, index, size, VIEWS)
    pictures = [encode(Image.fromarray(shot.frame.rgb), _QUALITY) for shot in session.shots]
    return [
        PicturedQuestion(index, turn.frame, pictures[turn.frame], turn.question, turn.needs_unseen)
        for turn in session.turns
    ]


def answer_all(name: str, questions: Sequence[PicturedQuestion]) -> list[str]:
    """A model's answer to every question; each picture is encoded once."""
    model = load_model(name)
    answers = [""] * len(questions)
    console = Console(stderr=True)
    for picture, places in track(by_picture(questions), name, console=console, transient=True):
        vision = model.encode_images([picture])
        texts = [questions[place].question.text for place in places]
        for place, answer in zip(places, model.answer_many(vision, texts, _LONGEST), strict=True):
            answers[place] = answer.text
    return answers


def by_picture(questions: Sequence[PicturedQuestion]) -> list[tuple[Image.Image, list[int]]]:
    """Each picture, and the places of its questions among all."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        groups[question.room, question.frame].append(place)
    return [(decode(questions[places[0]].picture), places) for places in groups.values()]


def rows(questions: Sequence[PicturedQuestion], answers: dict[str, list[str]], seed: int) -> Iterator[Row]:
    """Exact match and NLS of every model, over all and by family, and differences over the same questions."""
    truth = [question.question.answer for question in questions]
    exact = {name: list(map(exact_match, texts, truth)) for name, texts in answers.items()}
    every_room = [question.room for question in questions]
    groups = _groups(questions)
    for name, texts in answers.items():
        for (family, about), places in groups.items():
            rooms = [questions[place].room for place in places]
            interval = bootstrap_mean([exact[name][place] for place in places], rooms, seed=seed)
            yield measured(interval, model=name, family=family, about=about, metric="exact")
        interval = bootstrap_mean(list(map(nls, texts, truth)), every_room, seed=seed)
        yield measured(interval, model=name, family="all", about="all", metric="nls")
    for second, first in pairwise(exact):
        interval = paired_difference(exact[first], exact[second], every_room, seed=seed)
        identity = {"model": first, "against": second, "family": "all", "about": "all"}
        yield measured(interval, **identity, metric="exact difference")


def _groups(questions: Sequence[PicturedQuestion]) -> dict[tuple[str, str], list[int]]:
    """Places of the questions of each (family, about), `all` first."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        about = "unseen" if question.needs_unseen else "seen"
        for key in (("all", "all"), ("all", about), (question.question.family, "all")):
            groups[key].append(place)
    return dict(sorted(groups.items(), key=lambda item: (item[0][0] != "all", item[0])))
