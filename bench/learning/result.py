"""From the parts that were kept to rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import isfinite
from pathlib import Path

from rich.table import Table

from agent.recording.summary import ALL
from bench.learning.methods import ORDER, REPLAYED, ROOMWISE
from bench.learning.more_views import MORE_VIEWS
from bench.learning.rows import Outcome, costs, forgetting, rows, rows_beside, scored
from bench.learning.unit import REPLAY, UnitResult
from bench.measure.charts import BLUE, GREY, ORANGE, chart, dots
from bench.measure.intervals import Interval, bootstrap_mean, paired_difference
from bench.measure.report import Row, interval_of, measured
from bench.rooms.sessions import OTHER_VIEW
from core.errors import InputError

_MORE_TAGS = {"in use": OTHER_VIEW, "always": f"{OTHER_VIEW}, always"}
"""Questions about more views, by who answers: the adapter where the rule lets it, or always."""


def outcomes_of(results: Sequence[UnitResult]) -> Iterator[Outcome]:
    """Every question of every unit, with what each method said to it."""
    for result in results:
        for turn in result.parts[REPLAY]["turns"]:
            number = str(turn["turn"])
            parts = {name: part.get("said", {}) for name, part in result.parts.items()}
            answers = turn["said"] | {
                name: answers_by_turn[number]
                for name, answers_by_turn in parts.items()
                if number in answers_by_turn
            }
            yield result.outcome(turn, turn["tag"], answers)


def _more_view_outcomes(result: UnitResult, rule: str, tag: str) -> Iterator[Outcome]:
    """Questions about other views of its room, which the student answers with its adapter by a rule."""
    after = {name: part[MORE_VIEWS][rule] for name, part in result.parts.items() if MORE_VIEWS in part}
    for place, turn in enumerate(result.parts.get(MORE_VIEWS, {"turns": []})["turns"]):
        answers = turn["said"] | {name: texts[place] for name, texts in after.items()}
        yield result.outcome(turn, tag, answers)


def all_rows(results: Sequence[UnitResult], seed: int, **about: int) -> Iterator[Row]:
    """All that the rooms measured tell."""
    yield from rows(list(outcomes_of(results)), seed, **about)
    for rule, tag in _MORE_TAGS.items():
        outcomes = [outcome for result in results for outcome in _more_view_outcomes(result, rule, tag)]
        yield from rows_beside(outcomes, tag, seed, **about)
    for name in ORDER:
        rooms = [result.unit.place.name for result in results if name in result.parts]
        parts = [result.parts[name] for result in results if name in result.parts]
        yield from forgetting(name, rooms, [part["forgetting"] for part in parts], seed)
        if parts and name not in REPLAYED:
            seconds = bootstrap_mean([part["seconds"] for part in parts], rooms, seed=seed)
            yield measured(seconds, method=name, metric="method_s")
    yield from costs([job for result in results for job in result.parts[REPLAY]["adaptations"]], seed)


_BY_TAG = ("exact", "nls", "anls")


def methods_table(rows: Sequence[Row]) -> Table:
    """The share right after the warm-up of every method, over all questions and by tag, with its interval."""
    exact_rows = [row for row in rows if _is_in_table(row)]
    tags = list(dict.fromkeys(str(row["tag"]) for row in exact_rows))
    table = Table(title="Share right after the warm-up (exact match), with 95 % intervals over rooms")
    table.add_column("method", no_wrap=True)
    for tag in tags:
        counts = {row["n"] for row in exact_rows if row["tag"] == tag}
        table.add_column(f"{tag} ({'/'.join(map(str, counts))})", no_wrap=True)
    for method in dict.fromkeys(str(row["method"]) for row in exact_rows):
        cells = {str(row["tag"]): row for row in exact_rows if row["method"] == method}
        table.add_row(method, *(_cell(cells.get(tag)) for tag in tags))
    return table


def other_rows(rows: Sequence[Row]) -> list[Row]:
    """What that table leaves out, but for the similarities of texts by tag, which the JSON has."""
    return [
        row
        for row in rows
        if not _is_in_table(row) and not (row["metric"] in _BY_TAG and row.get("tag") != ALL)
    ]


def _is_in_table(row: Row) -> bool:
    return row["metric"] == "exact" and row.get("phase") != "stream"


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{interval_of(row):.3f}"


_COLOURS = {"untouched": GREY, "memory": "#9c3a9c", "roomwise": BLUE, "expert": ORANGE}
_OTHER = "#7a9a3c"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the picture of the rows' exact match. Raises InputError without such rows, StorageError."""
    groups = _groups(rows)
    if not groups:
        raise InputError(
            "There is nothing to draw: no room was measured after a warm-up. Leave out --picture."
        )
    heights = [1 + len(group) for group in groups.values()]
    title = "Share right after the warm-up, 95 % intervals over rooms"
    with chart(path, title, 8, 1 + 0.24 * sum(heights)) as figure:
        panels = figure.subplots(len(groups), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (tag, group) in zip(panels, groups.items(), strict=True):
            axes.set_title("all questions" if tag == ALL else tag)
            dots(axes, group, {**dict.fromkeys(group, _OTHER), **_COLOURS})
            for place, interval in enumerate(group.values()):
                right = interval.high if isfinite(interval.high) else interval.mean
                axes.annotate(f"{interval.mean:.1%}", (right, place), (8, 0), textcoords="offset points",
                              va="center", color=GREY)  # fmt: skip
        panels[-1].set(xlabel="share right", xlim=(-0.01, 1.08), xticks=(0, 0.25, 0.5, 0.75, 1))
        panels[-1].xaxis.set_major_formatter("{x:.0%}")


def _groups(rows: Sequence[Row]) -> Mapping[str, Mapping[str, Interval]]:
    """By tag what is drawn of each method, in their order."""
    exact_rows = sorted(filter(_is_in_table, rows), key=lambda row: ORDER.index(str(row["method"])))
    tags = dict.fromkeys(str(row["tag"]) for row in rows if row in exact_rows)
    return {
        tag: {str(row["method"]): interval_of(row) for row in exact_rows if row["tag"] == tag} for tag in tags
    }


BLOCK = 10
"""Rooms that make one row."""


def stream_rows(by_seed: Sequence[Sequence[UnitResult]], seed: int) -> Iterator[Row]:
    """Every method over all questions after the warm-ups of each ten visits; `visited`: rooms before them."""
    visits = list(zip(*by_seed, strict=True))
    for first in range(0, len(visits), BLOCK):
        block = visits[first : first + BLOCK]
        about = {"phase": "stream", "visited": f"{first}-{first + len(block) - 1}"}
        for row in rows(list(outcomes_of(list(chain(*block)))), seed, **about):
            if row["tag"] == ALL and row["metric"] in _BY_TAG:
                yield row


def transfer_rows(
    by_seed: Sequence[Sequence[UnitResult]], again: Sequence[Mapping[str, Mapping[str, str]]], seed: int
) -> Iterator[Row]:
    """Backward transfer: exact match at the end of the stream less that of the visit, on the same questions.

    As in Lopez-Paz and Ranzato 2017, Gradient episodic memory, section 2 (BWT), the last room left out:
    nothing came after it. Below 0 earlier rooms were forgotten.
    """
    first: list[Outcome] = []
    later: list[Outcome] = []
    for legs, answers in zip(by_seed, again, strict=True):
        for outcome in outcomes_of(list(legs[:-1])):
            answer = answers.get(outcome.room, {}).get(str(outcome.turn))
            if answer is not None:
                first.append(outcome)
                later.append(replace(outcome, answers={ROOMWISE: answer}))
    if not first:
        return
    before, after = scored(first), scored(later)
    interval = paired_difference(
        after.values["exact"][ROOMWISE], before.values["exact"][ROOMWISE], before.rooms, seed=seed
    )
    yield measured(
        interval, phase="stream", visited=f"{len(by_seed[0])}", method=ROOMWISE, tag=ALL, half="after",
        metric="backward transfer",
    )  # fmt: skip
