"""Choose what a job learns from, and how long, so that all of it fits its time. Pure: costs in, plan out.

Everything is counted: reading pictures and questions, anchors, steps, and judging before, on the way and
after. What is left out first costs least: further exposures, further variants, then a part of the probe set
and of the agent's own pairs, then steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from adapters.jobs.request import Recipe

LEAST_STEPS = 40
"""Fewer teach nothing that would pass the gate."""
_SPARE = 0.85
"""Share of the time that is planned: the machine has other things to do."""


@dataclass(frozen=True)
class Costs:
    """Seconds on this machine with this model: to encode a `picture`, to `read` a question about one, to
    train a `row` of a step there and back, and to `answer` a question that was read and compare the answer
    with a known one.
    """

    picture: float
    read: float
    row: float
    answer: float


@dataclass(frozen=True)
class Demand:
    """How many there are: pictures of the room, pairs, of them held out, the agent's own pairs, pairs and
    pictures of other rooms, and questions and pictures of the probe set.
    """

    pictures: int
    pairs: int
    held_out: int
    extra: int
    replay: int
    replay_pictures: int
    probe: int
    probe_pictures: int


@dataclass(frozen=True)
class TrainingPlan:
    """What will be done: the recipe, how much of the agent's pairs and of the probe set, and the seconds that
    this is expected to take in all. `shortage` says why nothing is worth doing, or "".
    """

    recipe: Recipe
    extra: int
    probe: int
    seconds: float
    shortage: str = ""

    @property
    def told(self) -> str:
        """The plan in one sentence."""
        recipe = self.recipe
        own = f" and {self.extra} of its own" if self.extra else ""
        return (
            f"{recipe.steps} steps, {recipe.variants} variants of each pair{own}, "
            f"{self.probe} general questions, about {self.seconds:.0f} s"
        )


def plan(recipe: Recipe, demand: Demand, costs: Costs, seconds: float, used: float = 0.0) -> TrainingPlan:
    """The richest plan whose whole job takes no more than `seconds`, of which some are `used` already."""
    available = _SPARE * (seconds - used)
    best: TrainingPlan | None = None
    for smaller in _ladder(recipe, demand):
        fixed = _fixed(smaller, demand, costs)
        step = _rows(smaller.recipe, smaller.extra, demand) * costs.row
        steps = min(recipe.steps, int((available - fixed) / step)) if step else recipe.steps
        planned = replace(
            smaller, recipe=replace(smaller.recipe, steps=steps), seconds=fixed + max(0, steps) * step
        )
        if steps >= recipe.steps:
            return planned
        if best is None or steps > best.recipe.steps:
            best = planned
    assert best is not None
    if best.recipe.steps >= LEAST_STEPS:
        return best
    needed = used + (best.seconds + (LEAST_STEPS - max(0, best.recipe.steps)) * step) / _SPARE
    return replace(
        best,
        shortage=f"Learning this takes {needed:.0f} s at least on this machine, and "
        f"adaptation.seconds allows {seconds:.0f}. Raise it, or choose a smaller student.",
    )


def _ladder(recipe: Recipe, demand: Demand) -> Iterator[TrainingPlan]:
    """Ever less to read, at the full number of steps."""
    for views, variants, extra_variants, probe, share in (
        (recipe.views, recipe.variants, recipe.extra_variants, 1.0, 1.0),
        (2, 4, 1, 1.0, 1.0),
        (1, 4, 1, 0.5, 1.0),
        (0, 3, 1, 0.25, 1.0),
        (0, 2, 1, 0.25, 0.5),
        (0, 2, 1, 0.1, 0.25),
        (0, 1, 1, 0.0, 0.1),
    ):
        less = replace(
            recipe,
            views=min(views, recipe.views),
            variants=min(variants, recipe.variants),
            extra_variants=min(extra_variants, recipe.extra_variants),
        )
        yield TrainingPlan(less, round(share * demand.extra), round(probe * demand.probe), 0.0)


def _fixed(smaller: TrainingPlan, demand: Demand, costs: Costs) -> float:
    """Seconds of everything but the steps."""
    recipe, probe = smaller.recipe, smaller.probe
    asked = demand.pairs + probe
    pictures = (demand.pictures + demand.replay_pictures) * (1 + recipe.views)
    pictures += demand.probe_pictures * (1 + recipe.views) if probe else 0
    anchors = recipe.general + recipe.similar + probe
    read = demand.pairs * recipe.variants + smaller.extra * recipe.extra_variants
    read += demand.replay + anchors + asked
    # The current adapter and the candidate on everything, the trial on what is held out.
    judged = 2 * asked + demand.held_out + anchors
    return pictures * costs.picture + read * costs.read + judged * costs.answer


def _rows(recipe: Recipe, extra: int, demand: Demand) -> int:
    """Rows of a step."""
    rows = min(recipe.batch, demand.pairs) + min(recipe.extra, extra)
    return rows + min(recipe.replayed, demand.replay) + recipe.anchors
