"""`roomwise study vit`: the slides' Study 2, how attention propagates in two networks that see."""

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image

from bench.measure.charts import PictureOption
from bench.measure.crew import crew
from bench.measure.options import Json, RoomJobs, Split
from bench.measure.report import Report, emit, show
from bench.rooms.sessions import make_session
from bench.studies.vit.flow import WORDS, Flow, Tower, flow
from bench.studies.vit.rows import SOURCE, Flows, draw, rows, sentences, table
from core.errors import InputError
from models.images import load_image

app = typer.Typer(add_completion=False)
_SIZE = 224
_MAX_PIXELS = 50_000_000
_QUESTION = "What is in this picture?"
_ENDINGS = {".jpg", ".jpeg", ".png"}
Pair = tuple[Flow, Flow]


@app.command()
def vit(
    student: Annotated[
        str, typer.Option("--student", help="A folder of ViT, DeiT, DINOv2, CLIP or SigLIP, or a VLM.")
    ] = "builtin-student",
    expert: Annotated[str, typer.Option("--expert", help="The same for the larger one.")] = "builtin-expert",
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Rendered rooms, four frames each.")] = 25,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="A folder of pictures in place of rooms.")
    ] = None,
    split: Split = "test",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the intervals.")] = 0,
    jobs: RoomJobs = 2,
    as_json: Json = False,
    picture: PictureOption = None,
) -> None:
    """Follow attention through two networks: maps and rollouts by layer, and how far both agree.

    The built-in pair has no class token, and no map over the whole picture in its towers; of it the language
    encoders are compared. For the published study give two folders:

    Example: roomwise study vit --student ./vit-base-patch16-224 --expert ./vit-large-patch16-224

    Example: roomwise study vit --rooms 25 --picture vit.svg
    """
    if pictures:
        pictures_by_room = _read_pictures(student, expert, pictures)
    else:
        with crew(jobs) as workers:
            pictures_by_room = workers.each(partial(_room, student, expert, split), range(rooms), "rooms")
    groups = [number for number, pairs in enumerate(pictures_by_room) for _ in pairs]
    ours, theirs = zip(*(pair for pairs in pictures_by_room for pair in pairs), strict=True)
    flows = Flows(student, expert, ours, theirs, groups, seed)
    if picture is not None:
        draw(picture, flows)
    if as_json:
        emit(Report("study vit", seed, list(rows(flows))), json=True)
        return
    show(table(flows), [*_notes(student, expert), "", " ".join(sentences(flows))])


def _notes(student: str, expert: str) -> Iterator[str]:
    rows_by_model = {name: _tower(name).rows for name in (student, expert)}
    yield "Rows that look: " + "; ".join(f"{name}, {rows}" for name, rows in rows_by_model.items()) + "."
    yield f"Published: {SOURCE}. js in bits, entropy as a share of the largest there can be."
    if WORDS in rows_by_model.values():
        yield (
            "Not the published pair: DaViT has no class token, so these are language encoders. "
            "For vision transformers give two folders, --student and --expert."
        )


def _room(student: str, expert: str, split: str, index: int) -> list[Pair]:
    torch.set_num_threads(1)
    session = make_session(split, index, _SIZE)
    questions = {turn.frame: turn.question.text for turn in reversed(session.turns)}
    return [
        _pair(student, expert, Image.fromarray(session.shots[frame].frame.rgb), question)
        for frame, question in sorted(questions.items())
    ]


def _read_pictures(student: str, expert: str, folder: Path) -> list[list[Pair]]:
    """Each picture by itself. Raises InputError without any, ImageError."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in _ENDINGS)
    if not files:
        raise InputError(f"There is no picture in {folder}. Give a folder of JPEG or PNG files.")
    with crew(1) as workers:
        return workers.each(
            lambda path: [_pair(student, expert, load_image(path, _MAX_PIXELS), _QUESTION)], files, "pictures"
        )


def _pair(student: str, expert: str, picture: Image.Image, question: str) -> Pair:
    ours, theirs = (flow(_tower(name).attention(picture, question)) for name in (student, expert))
    return ours, theirs


@lru_cache(maxsize=2)
def _tower(name: str) -> Tower:
    return Tower(name)
