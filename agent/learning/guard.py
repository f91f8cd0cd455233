"""When to learn, and what the machine bears: whether a job fits its memory, whether heat or power forbid it.

Decisions alone; the readings come from `agent.machine`.
"""

from dataclasses import dataclass, replace

from adapters.jobs.request import Recipe
from core.sections import AdaptationConfig
from models.footprint import LEAST_ROWS, Footprint

_RESERVE = 256 * 2**20
"""Bytes left to everything else."""
_COOL_DOWN = 5.0
_EASE_OFF = 0.9
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Machine:
    """Free bytes, temperature and power; None where unknown."""

    free_bytes: int | None = None
    celsius: float | None = None
    watts: float | None = None


@dataclass(frozen=True)
class Order:
    """The memory a job needs (None if unknown), and its recipe if it trains by one."""

    needs: Footprint | None
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Fit:
    """The recipe as it fits. `reason` says what was changed, or what to do where nothing fits."""

    recipe: Recipe | None
    reason: str = ""

    @property
    def refused(self) -> bool:
        return self.recipe is None and bool(self.reason)


def fit(order: Order, machine: Machine) -> Fit:
    """Fewer pairs a step where all do not fit; a job without a recipe needs memory for one row. What is
    unknown is let through.
    """
    recipe, footprint = order.recipe, order.needs
    if footprint is None or machine.free_bytes is None:
        return Fit(recipe)
    if recipe is None:
        needs, free = footprint.of(1) + _RESERVE, machine.free_bytes
        return Fit(None, "" if needs <= free else f"{_shortage(needs, free)}. Close other programs.")
    full = recipe.batch + recipe.extra + recipe.replayed + recipe.anchors
    available = machine.free_bytes - _RESERVE - footprint.fixed
    rows = min(full, max(0, available) // max(1, footprint.row))
    if rows == full:
        return Fit(recipe)
    needs, free = footprint.of(full) + _RESERVE, machine.free_bytes
    shortage = _shortage(needs, free)
    if rows < LEAST_ROWS:
        least = (footprint.of(LEAST_ROWS) + _RESERVE) / _GIGABYTE
        return Fit(
            None, f"{shortage}. Close other programs until {least:.1f} GB are, or choose a smaller student."
        )
    return Fit(_smaller(recipe, rows), f"{shortage}: {rows} pairs to a step instead of {full}.")


def _shortage(needs: int, free: int) -> str:
    return f"Learning takes {needs / _GIGABYTE:.1f} GB of memory and {free / _GIGABYTE:.1f} GB are free"


def _smaller(recipe: Recipe, rows: int) -> Recipe:
    """The same shares of fewer rows; a person's pairs go last."""
    batch = min(recipe.batch, max(1, rows // 2))
    others = recipe.extra + recipe.replayed + recipe.anchors
    share = (rows - batch) / others if others else 0.0
    return replace(
        recipe,
        batch=batch,
        extra=int(recipe.extra * share),
        replayed=int(recipe.replayed * share),
        anchors=int(recipe.anchors * share),
    )


def strain(machine: Machine, settings: AdaptationConfig, held: bool) -> str:
    """Why nothing may be learnt now, "" when it may. Once `held`, learning resumes well below the limit."""
    hottest = settings.hottest - (_COOL_DOWN if held else 0.0)
    if settings.hottest and machine.celsius is not None and machine.celsius >= hottest:
        return f"The machine has {machine.celsius:.0f} °C. Learning goes on below {hottest:.0f} °C."
    most = settings.most_watts * (_EASE_OFF if held else 1.0)
    if settings.most_watts and machine.watts is not None and machine.watts >= most:
        return f"The machine draws {machine.watts:.1f} W. Learning goes on below {most:.1f} W."
    return ""


@dataclass(frozen=True)
class Standing:
    """`pairs_then` is the number of pairs when the last job began, 0 before the first."""

    turn: int
    warm_up: int
    pairs: int
    pairs_then: int


def due(standing: Standing, least: int, again_after: int) -> bool:
    """Whether to start a job: when the warm-up is over and there are `least` pairs, then every
    `again_after` pairs.
    """
    if standing.pairs < least or standing.turn < standing.warm_up:
        return False
    return standing.pairs_then == 0 or standing.pairs - standing.pairs_then >= again_after


LEAST_ROOMS = 3
"""With fewer, none could judge what the others taught."""
_MORE_PAIRS = 50


@dataclass(frozen=True)
class RoomCounts:
    """Rooms and pairs now, and when home was last consolidated (0 for never)."""

    rooms: int
    pairs: int
    rooms_then: int = 0
    pairs_then: int = 0


def home_due(counts: RoomCounts) -> bool:
    """Whether to consolidate home: three rooms, and since the last time a new one or 50 pairs."""
    if counts.rooms < LEAST_ROOMS:
        return False
    return counts.rooms > counts.rooms_then or counts.pairs - counts.pairs_then >= _MORE_PAIRS
