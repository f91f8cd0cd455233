"""`roomwise bench look`: the command."""

from functools import partial
from typing import Annotated

import typer

from bench.looking.room import EXPERT, METHODS, UNTOUCHED, LookingPlan, measure_room
from bench.looking.rows import CHANCE, FIRST, Masses, rows, sentences, table
from bench.measure.charts import PictureOption, draw_dots
from bench.measure.crew import crew
from bench.measure.options import Expert, Json, RoomJobs, Split, Student
from bench.measure.report import Report, console, emit
from core.errors import InputError

app = typer.Typer(add_completion=False)


@app.command()
def look(
    rooms: Annotated[
        int, typer.Option("--rooms", min=1, help="Held-out rooms, up to ten questions each.")
    ] = 30,
    student: Student = "builtin-student",
    expert: Expert = "builtin-expert",
    split: Split = "test",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of learning, and of the intervals.")] = 0,
    jobs: RoomJobs = 2,
    picture: PictureOption = None,
    as_json: Json = False,
) -> None:
    """Measure how much of what a model looks at is the thing that it is asked about, against chance.

    Of expert and student, the student before and after it has learnt ten answers in the room.

    Example: roomwise bench look --rooms 30 --picture look.svg
    """
    plan = LookingPlan(student, expert, split, seed)
    with crew(jobs) as workers:
        every = workers.each(partial(measure_room, plan), range(rooms), "rooms")
    masses_found = [mass for room in every for mass in room]
    if not masses_found:
        raise InputError("No question of these rooms is about a thing in the picture. Take more rooms.")
    masses = Masses(masses_found, seed)
    if picture is not None:
        dots = {CHANCE: masses.share(CHANCE, FIRST)}
        dots |= {name: masses.share(name, FIRST) for name in (UNTOUCHED, *METHODS, EXPERT)}
        title = f"Share of the answer's map on the thing asked about, {len(masses.rooms)} questions"
        draw_dots(picture, title, dots, CHANCE, {})
    if as_json:
        emit(Report("bench look", seed, list(rows(masses))), json=True)
        return
    caption = f"{len(masses.rooms)} questions in {rooms} {split} rooms, 95 % intervals over rooms. {FIRST}:"
    console().print(table(masses), caption, " ".join(sentences(masses)), highlight=False)
