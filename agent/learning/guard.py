"""What a machine bears beside answering: whether training fits its memory, whether heat or power forbid it.

Decisions alone; the readings come from `agent.machine`.
"""

from dataclasses import dataclass, replace

from adapters.jobs.request import Recipe
from core.sections import AdaptationConfig
from models.footprint import Footprint

_RESERVE = 256 * 2**20
"""Bytes that are left to everything else."""
_LEAST_ROWS = 4
_COOLED = 5.0
_EASED = 0.9
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Machine:
    """What is free, in bytes, and how hot and how hungry it is; None where it does not tell."""

    free_bytes: int | None = None
    celsius: float | None = None
    watts: float | None = None


@dataclass(frozen=True)
class Order:
    """What a job needs of memory, None where that cannot be told; and its recipe, if it trains by one."""

    needs: Footprint | None
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Fit:
    """The recipe as it fits. `reason` says what was changed and why, or what to do where nothing fits."""

    recipe: Recipe | None
    reason: str = ""

    @property
    def refused(self) -> bool:
        """Whether the job may not begin: there is a reason, and no recipe."""
        return self.recipe is None and bool(self.reason)


def fit(order: Order, machine: Machine) -> Fit:
    """Fewer pairs to a step where all do not fit; a job without a recipe needs room for one row. What cannot
    be told is let through.
    """
    recipe, footprint = order.recipe, order.needs
    if footprint is None or machine.free_bytes is None:
        return Fit(recipe)
    if recipe is None:
        needs, free = footprint.of(1) + _RESERVE, machine.free_bytes
        enough = needs <= free
        return Fit(None, "" if enough else f"{_told(needs, free)}. Close other programs.")
    wanted = _rows(recipe)
    room = machine.free_bytes - _RESERVE - footprint.fixed
    rows = min(wanted, max(0, room) // max(1, footprint.row))
    if rows == wanted:
        return Fit(recipe)
    needs, free = footprint.of(wanted) + _RESERVE, machine.free_bytes
    told = _told(needs, free)
    if rows < _LEAST_ROWS:
        least = (footprint.of(_LEAST_ROWS) + _RESERVE) / _GIGABYTE
        return Fit(
            None, f"{told}. Close other programs until {least:.1f} GB are, or choose a smaller student."
        )
    return Fit(_smaller(recipe, rows), f"{told}: {rows} pairs to a step instead of {wanted}.")


def _told(needs: int, free: int) -> str:
    return f"Learning takes {needs / _GIGABYTE:.1f} GB of memory and {free / _GIGABYTE:.1f} GB are free"


def _rows(recipe: Recipe) -> int:
    return recipe.batch + recipe.extra + recipe.replayed + recipe.anchors


def _smaller(recipe: Recipe, rows: int) -> Recipe:
    """The same shares of fewer rows, a person's pairs being the last to go."""
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
    """Why nothing may be learnt now, "" when it may. What is `held` back goes on once it is well below."""
    hottest = settings.hottest - (_COOLED if held else 0.0)
    if settings.hottest and machine.celsius is not None and machine.celsius >= hottest:
        return f"The machine has {machine.celsius:.0f} °C. Learning goes on below {hottest:.0f} °C."
    most = settings.most_watts * (_EASED if held else 1.0)
    if settings.most_watts and machine.watts is not None and machine.watts >= most:
        return f"The machine draws {machine.watts:.1f} W. Learning goes on below {most:.1f} W."
    return ""
