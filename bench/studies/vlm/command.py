"""`roomwise study vlm`: the slides' Study 1, layers of expert and student on right and on wrong answers."""

from functools import partial
from typing import Annotated

import typer

from bench.measure.charts import PictureOption
from bench.measure.crew import crew
from bench.measure.options import Expert, Json, RoomJobs, Split, Student
from bench.measure.report import Report, emit, show
from bench.studies.vlm.found import LayerFindings
from bench.studies.vlm.rooms import samples
from bench.studies.vlm.rows import SOURCE, draw, rows, sentences, table

app = typer.Typer(add_completion=False)


@app.command()
def vlm(
    rooms: Annotated[int, typer.Option("--rooms", min=1, help="Rendered rooms, twenty questions each.")] = 25,
    student: Student = "builtin-student",
    expert: Expert = "builtin-expert",
    split: Split = "test",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of permutations, draws, intervals.")] = 0,
    jobs: RoomJobs = 2,
    as_json: Json = False,
    picture: PictureOption = None,
) -> None:
    """Compare a student with an expert layer by layer, on questions that it answers right and on others.

    Distances: the slide's (two principal components, squared difference), the same after Procrustes, linear
    CKA, representational similarity, and Jensen-Shannon of maps.

    Example: roomwise study vlm --rooms 25 --picture vlm.svg

    Example: roomwise study vlm --student ./florence-2-base --expert ./florence-2-large --json
    """
    with crew(jobs) as workers:
        rooms_samples = workers.each(partial(samples, student, expert, split), range(rooms), "rooms")
    findings = LayerFindings([sample for room in rooms_samples for sample in room], seed)
    if picture is not None:
        draw(picture, findings, student, expert)
    if as_json:
        emit(Report("study vlm", seed, list(rows(findings))), json=True)
        return
    reading = f"published: {SOURCE}. Intervals are of 95 %, over rooms; p at equal length of the question."
    show(table(findings), [reading, "", " ".join(sentences(findings))])
