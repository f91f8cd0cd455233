"""`roomwise study sf` and `align-kd`: what both commands do: plan, carry out, say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bench.measure.charts import PictureOption, as_printed, draw_dots
from bench.measure.options import Expert, Json, RoomJobs, Rooms, Split, Student
from bench.measure.report import Report, Row, emit, ruled, show
from bench.studies.distill.terms import TERMS, Need
from bench.studies.few_shot.claims import PublishedClaim, claim_rows, judge, published_rows, sentences
from bench.studies.few_shot.methods import Entry
from bench.studies.few_shot.room_work import carry_out, find_incomputable
from bench.studies.few_shot.rooms import StudyPlan, make_plan, mark_folder
from bench.studies.few_shot.scores import AGREEMENT, EXPERT, MethodScores, collect_scores, fit_rows, rows
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
        plan = make_plan(student, expert, split, steps, out, load_config())
        _run_study(study, plan, rooms, seeds, jobs, as_json, picture)

    return app


def _run_study(
    study: Study, plan: StudyPlan, rooms: int, seeds: int, jobs: int, as_json: bool, picture: Path | None
) -> None:
    """Do the study and print it. Raises InputError, UnknownModelError, WeightsError, StorageError."""
    missing = find_incomputable(plan, study.entries)
    mark_folder(plan)
    notes = [f"{name} is left out. {why}." for name, why in missing.items()]
    for note in notes:
        typer.echo(note, err=True)
    entries = [entry for entry in study.entries if entry.name not in missing]
    carry_out(plan, entries, rooms, seeds, jobs)
    scores = collect_scores(plan, entries, rooms, seeds)
    verdicts = judge(study.claims, scores)
    title = f"{rooms} {plan.split} rooms, {seeds} seeds, the questions after the warm-up: exact match"
    if picture is not None:
        dots = {name: scores.interval(name, "exact") for name in [*(entry.name for entry in entries), EXPERT]}
        draw_dots(picture, title, dots, study.reference, study.published)
    result_rows = [
        *rows(scores, entries, study.reference),
        *fit_rows(plan, entries, seeds),
        *published_rows(list(study.published.items()), study.metric, study.source),
        *claim_rows(verdicts),
    ]
    report = Report(f"study {study.name}", 0, result_rows)
    if as_json:
        emit(report, json=True)
        return
    paragraph = [*sentences(verdicts, scores, entries, study.reference), *_describe_norms(scores)]
    reading = f"published: {study.source}. Intervals are of 95 %, over rooms."
    show(
        table(f"roomwise {report.command}: {title}", scores, entries, study.published, study.reference),
        [reading, *_describe_autoencoders(result_rows), *notes, "", " ".join(paragraph)],
    )


def _describe_norms(scores: MethodScores) -> list[str]:
    """How hard the terms of attention pull, beside the answers."""
    shares = []
    for (method, term), lengths in scores.norms.items():
        beside = scores.norms.get((method, "ce"))
        if term in _OF_MAPS and beside is not None:
            share = lengths.mean() / max(beside.mean(), 1e-12)
            shares.append(f"{method} {share:.1e}")
    sentence = f"Gradient of the attention term halfway, in lengths of the answers': {', '.join(shares)}."
    return [sentence] if shares else []


def _describe_autoencoders(rows: Sequence[Row]) -> list[str]:
    qualities = [
        f"{str(row['method']).removeprefix('autoencoders ')} {row['model']} {row['mean']:.2f}"
        for row in rows
        if row["metric"] == "r2"
    ]
    return [f"R² of the autoencoders on held-out pictures: {', '.join(qualities)}."] if qualities else []


def table(
    title: str, scores: MethodScores, entries: Sequence[Entry], published: Mapping[str, float], reference: str
) -> Table:
    """Exact match with its interval, the similarities, agreement with the expert, and the difference."""

    def above(name: str) -> str:
        return f"{scores.difference(name, reference, 'exact'):+.3f}"

    names = ("method", "what", "published", "exact", "nls", "anls", "as expert", f"exact - {reference}")
    made = ruled(title, names, left=("method", "what"))
    for entry in entries:
        made.add_row(entry.name, entry.what, as_printed(published, entry.name), *_numbers(scores, entry.name),
                      "" if entry.name == reference else above(entry.name))  # fmt: skip
    made.add_row(EXPERT, "", "", *_numbers(scores, EXPERT), above(EXPERT))
    return made


def _numbers(scores: MethodScores, name: str) -> list[str]:
    exact = scores.interval(name, "exact")
    rest = [f"{scores.interval(name, metric).mean:.3f}" for metric in ("nls", "anls")]
    same = f"{scores.interval(name, AGREEMENT).mean:.3f}" if name != EXPERT else ""
    return [f"{exact:.3f}", *rest, same]
