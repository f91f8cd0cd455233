"""`roomwise bench look`: what share of the maps lies on the thing, against chance and each other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from bench.looking.room import EXPERT, METHODS, UNTOUCHED, LookingPlan, Mass, measure_room
from bench.measure.charts import PictureOption, draw_dots
from bench.measure.crew import crew
from bench.measure.intervals import Interval, bootstrap_mean, bootstrap_ratio, paired_difference
from bench.measure.options import Expert, Json, RoomJobs, Split, Student
from bench.measure.report import Report, Row, console, emit, measured, ruled
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
        measured_rooms = workers.each(partial(measure_room, plan), range(rooms), "rooms")
    if not any(measured_rooms):
        raise InputError("No question of these rooms is about a thing in the picture. Take more rooms.")
    masses = Masses([mass for room in measured_rooms for mass in room], seed)
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


CHANCE = "chance"
FIRST = "answer, all layers"
"""The map that is drawn, and that `roomwise look` shows first."""
WHO = (EXPERT, UNTOUCHED, *METHODS)


class Masses:
    """All questions' shares by method and map, the same n questions in the same order."""

    def __init__(self, masses: Sequence[Mass], seed: int) -> None:
        self._seed = seed
        self.words = list(dict.fromkeys(mass.words for mass in masses))
        by_map: dict[tuple[str, str], list[Mass]] = defaultdict(list)
        for mass in masses:
            by_map[mass.method, mass.words].append(mass)
        self._shares = {key: np.array([mass.share for mass in each]) for key, each in by_map.items()}
        questions = by_map[EXPERT, self.words[0]]
        self.rooms = [mass.room for mass in questions]
        self.areas = np.array([mass.area for mass in questions])
        self._right = {
            method: np.array([mass.right for mass in by_map[method, self.words[0]]]) for method in WHO
        }

    def share(self, method: str, words: str) -> Interval:
        """The mean share on the thing; of chance its mean area."""
        return bootstrap_mean(self._of(method, words), self.rooms, seed=self._seed)

    def lift(self, method: str, words: str) -> Interval:
        """How many times as much as chance."""
        return bootstrap_ratio(self._of(method, words), self.areas, self.rooms, seed=self._seed)

    def difference(self, first: str, second: str, words: str) -> Interval:
        """What the first has more on the thing than the second."""
        return paired_difference(self._of(first, words), self._of(second, words), self.rooms, seed=self._seed)

    def exact(self, method: str) -> Interval:
        """How often its answers are right."""
        return bootstrap_mean(self._right[method], self.rooms, seed=self._seed)

    def by_outcome(self, method: str, words: str) -> Iterator[tuple[str, Interval]]:
        """The share where the method's answer is right, and where it is wrong."""
        shares, rooms = self._of(method, words), np.array(self.rooms)
        for name, chosen in (("right", self._right[method]), ("wrong", ~self._right[method])):
            if chosen.any():
                yield name, bootstrap_mean(shares[chosen], rooms[chosen].tolist(), seed=self._seed)

    def _of(self, method: str, words: str) -> NDArray[np.float64]:
        return self.areas if method == CHANCE else self._shares[method, words]


def rows(masses: Masses) -> Iterator[Row]:
    """Shares, lifts and differences of every map, right and wrong answers apart for the first."""
    yield measured(masses.share(CHANCE, FIRST), method=CHANCE, words="", answered="all", metric="mass")
    for words in masses.words:
        for method in WHO:
            about: Row = {"method": method, "words": words}
            yield measured(masses.share(method, words), **about, answered="all", metric="mass")
            yield measured(masses.lift(method, words), **about, answered="all", metric="mass / chance")
            if words == FIRST:
                for outcome, interval in masses.by_outcome(method, words):
                    yield measured(interval, **about, answered=outcome, metric="mass")
        for first, second in _comparisons():
            pair: Row = {"method": first, "words": words, "against": second}
            yield measured(masses.difference(first, second, words), **pair, metric="mass difference")
    for method in WHO:
        yield measured(masses.exact(method), method=method, words="", answered="all", metric="exact")


def table(masses: Masses) -> Table:
    """A line a map, for people: the share on the thing, and how many times chance."""
    chance = masses.share(CHANCE, FIRST)
    title = f"Share of the map on the thing asked about; chance is {chance:.3f}"
    made = ruled(title, ("whose words look", *WHO), left=("whose words look",))
    for words in masses.words:
        cells = [
            f"{masses.share(method, words):.3f}  x {masses.lift(method, words).mean:.1f}" for method in WHO
        ]
        made.add_row(words, *cells)
    made.add_row("answers that are right", *(f"{masses.exact(method):.3f}" for method in WHO))
    return made


def _comparisons() -> list[tuple[str, str]]:
    return [
        (EXPERT, CHANCE), (UNTOUCHED, CHANCE), (EXPERT, UNTOUCHED),
        *((name, UNTOUCHED) for name in METHODS), ("lora+attention", "lora"),
    ]  # fmt: skip


def sentences(masses: Masses) -> Iterator[str]:
    """What holds, from the intervals."""
    for first, second in _comparisons():
        difference = masses.difference(first, second, FIRST)
        side = "more" if difference.low > 0 else "less" if difference.high < 0 else None
        verdict = f"looks {side} at the thing than {second}" if side else f"cannot be told from {second}"
        yield f"{first} {verdict} ({difference:+.3f})."
