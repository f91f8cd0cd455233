"""`roomwise study sf` and `align-kd`: what both commands do: plan, carry out, say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.measure.charts import PictureOption
from bench.measure.options import Expert, Json, RoomJobs, Rooms, Split, Student
from bench.measure.report import Report, emit
from bench.studies.distill.terms import TERMS, Need
from bench.studies.few_shot.claims import PublishedClaim, claim_rows, judged, published_rows, sentences
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.plan import StudyPlan, claim, planned
from bench.studies.few_shot.run import carry_out, left_out
from bench.studies.few_shot.scores import EXPERT, MethodScores, collected, fit_rows, rows
from bench.studies.few_shot.table import check_picture, draw, show, table
from core.config import load_config

STEPS = 40
_OF_MAPS = {name for name, term in TERMS.items() if Need.MAPS in term.needs and term.through != "width"}

SeedsOption = Annotated[int, typer.Option("--seeds", min=1, help="Adapters of each method in each room.")]
StepsOption = Annotated[int, typer.Option("--steps", min=1, help="Of the published methods' training.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Where everything is kept, so that it can be gone on with.")
]


@dataclass(frozen=True)
class Study:
    """What is done again: its rows, the numbers its source prints of them, and what was claimed."""

    name: str
    about: str
    entries: Sequence[Entry]
    reference: str
    published: Mapping[str, float]
    metric: str
    source: str
    claims: Sequence[PublishedClaim]


def command(study: Study) -> typer.Typer:
    """The study as a verb."""
    app = typer.Typer(add_completion=False)

    @app.command(study.name, help=study.about)
    def run(
        rooms: Rooms = 50,
        seeds: SeedsOption = 3,
        student: Student = "builtin-student",
        expert: Expert = "builtin-expert",
        split: Split = "test",
        steps: StepsOption = STEPS,
        jobs: RoomJobs = 2,
        out: OutOption = None,
        as_json: Json = False,
        picture: PictureOption = None,
    ) -> None:
        check_picture(picture)
        plan = planned(student, expert, split, steps, out, load_config())
        _carried_out(study, plan, rooms, seeds, jobs, as_json, picture)

    return app


def _carried_out(
    study: Study, plan: StudyPlan, rooms: int, seeds: int, jobs: int, as_json: bool, picture: Path | None
) -> None:
    """Do the study and print it. Raises InputError, UnknownModelError, WeightsError, StorageError."""
    missing = left_out(plan, study.entries)
    claim(plan)
    notes = [f"{name} is left out. {why}." for name, why in missing.items()]
    for note in notes:
        typer.echo(note, err=True)
    entries = [entry for entry in study.entries if entry.name not in missing]
    carry_out(plan, entries, rooms, seeds, jobs)
    scores = collected(plan, entries, rooms, seeds)
    verdicts = judged(study.claims, scores)
    title = f"{rooms} {plan.split} rooms, {seeds} seeds, the questions after the warm-up: exact match"
    if picture is not None:
        dots = {name: scores.interval(name, "exact") for name in [*(one.name for one in entries), EXPERT]}
        draw(picture, title, dots, study.reference, study.published)
    found = [
        *rows(scores, entries, study.reference),
        *fit_rows(plan, entries, seeds),
        *published_rows(list(study.published.items()), study.metric, study.source),
        *claim_rows(verdicts),
    ]
    report = Report(f"study {study.name}", 0, found)
    if as_json:
        emit(report, json=True)
        return
    said = [*sentences(verdicts, scores, entries, study.reference), *_norms(scores)]
    reading = f"published: {study.source}. Intervals are of 95 %, over rooms."
    show(
        table(f"roomwise {report.command}: {title}", scores, entries, study.published, study.reference),
        [reading, *_quality(plan_rows=found), *notes, "", " ".join(said)],
    )


def _norms(scores: MethodScores) -> list[str]:
    """How hard the terms of attention pull, beside the answers."""
    found = []
    for (method, term), lengths in scores.norms.items():
        beside = scores.norms.get((method, "ce"))
        if term in _OF_MAPS and beside is not None:
            share = lengths.mean() / max(beside.mean(), 1e-12)
            found.append(f"{method} {share:.1e}")
    said = f"Gradient of the attention term halfway, in lengths of the answers': {', '.join(found)}."
    return [said] if found else []


def _quality(plan_rows: Sequence[Mapping[str, object]]) -> list[str]:
    told = [
        f"{str(row['method']).removeprefix('autoencoders ')} {row['model']} {row['mean']:.2f}"
        for row in plan_rows
        if row["metric"] == "r2"
    ]
    return [f"R² of the autoencoders on held-out pictures: {', '.join(told)}."] if told else []
