"""From the parts that were kept to rows."""

from collections.abc import Iterator, Sequence

from bench.learning.methods import ORDER, REPLAYED
from bench.learning.more_views import MORE_VIEWS
from bench.learning.rows import Outcome, costs, forgetting, rows, rows_beside
from bench.learning.unit import REPLAY, Measured
from bench.measure.intervals import bootstrap_mean
from bench.measure.report import Row, measured
from bench.rooms.more_views import OTHER_VIEW

_MORE_TAGS = {"in use": OTHER_VIEW, "always": f"{OTHER_VIEW}, always"}
"""Questions about more views, by who answers: the adapter where the rule lets it, or always."""


def outcomes_of(units: Sequence[Measured]) -> list[Outcome]:
    """Every question of every unit, with what each method said to it."""
    return [_outcome(one, turn) for one in units for turn in one.parts[REPLAY]["turns"]]


def _outcome(one: Measured, turn: dict) -> Outcome:  # type: ignore[type-arg]
    said = dict(turn["said"])
    for name, part in one.parts.items():
        if str(turn["turn"]) in part.get("said", {}):
            said[name] = part["said"][str(turn["turn"])]
    room, seed = one.unit.place.name, one.unit.seed
    return Outcome(room, turn["turn"], turn["tag"], turn["reference"], said, seed)


def _of_more_views(one: Measured, rule: str, tag: str) -> Iterator[Outcome]:
    """Questions about other views of its room, which the student answers with its adapter by a rule."""
    after = {name: part[MORE_VIEWS][rule] for name, part in one.parts.items() if MORE_VIEWS in part}
    for place, turn in enumerate(one.parts.get(MORE_VIEWS, {"turns": []})["turns"]):
        said = turn["said"] | {name: texts[place] for name, texts in after.items()}
        yield Outcome(one.unit.place.name, turn["turn"], tag, turn["reference"], said, one.unit.seed)


def all_rows(units: Sequence[Measured], seed: int, **about: int) -> Iterator[Row]:
    """All that the rooms measured tell."""
    yield from rows(outcomes_of(units), seed, **about)
    for rule, tag in _MORE_TAGS.items():
        asked = [outcome for one in units for outcome in _of_more_views(one, rule, tag)]
        yield from rows_beside(asked, tag, seed, **about)
    for name in ORDER:
        known = [one for one in units if name in one.parts]
        rooms, parts = [one.unit.place.name for one in known], [one.parts[name] for one in known]
        yield from forgetting(name, rooms, [part["forgetting"] for part in parts], seed)
        if known and name not in REPLAYED:
            yield measured(
                bootstrap_mean([part["seconds"] for part in parts], rooms, seed=seed),
                method=name,
                metric="method_s",
            )
    yield from costs([one for unit in units for one in unit.parts[REPLAY]["adaptations"]], seed)
