"""One adaptation as values: what is asked of a worker, how it is done, what it may cost, how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core.types import Example

Outcome = Literal["promote", "reject", "cancelled", "failed"]


@dataclass(frozen=True)
class Recipe:
    """How an adapter is trained. The defaults were chosen on rendered validation rooms, for ten pairs and no
    more; see `recipe_for`.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: Literal["all", "encoder", "decoder"] = "all"
    steps: int = 60
    batch: int = 10
    """Pairs of the room in a step."""
    extra: int = 0
    """Beside them pairs that the agent asked for, if there are any."""
    replayed: int = 4
    """Beside them pairs of other rooms, if there are any."""
    anchors: int = 20
    """Beside them questions on which the student is held to what it said before."""
    general: int = 60
    """Anchors are drawn from so many questions that fit any room,"""
    similar: int = 150
    """from so many that ask as the pairs do about other things, and from the probe set."""
    reworded: float = 0.6
    """Share of pairs in a step, and of anchors, that are put in other words."""
    elsewhere: float = 0.4
    """Share of pairs in a step that are asked of any frame of the room, if the answer should hold there."""
    rate: float = 2e-3
    clip: float = 1.0
    shrink: float = 0.85
    """What is kept of the change in the end: between old weights and new ones is a better student than either
    (Wortsman et al. 2022, Robust fine-tuning of zero-shot models)."""
    trial: float = 0.4
    """After this share of the steps the held-out pairs have judged, and are learnt as well."""
    views: int = 4
    """Other exposures of each picture."""
    attention_weight: float = 0.5
    logits_weight: float = 1.0
    words_weight: float = 1.0
    """Of an answer whose expert does not say what else was likely."""
    replay_weight: float = 0.5
    anchor_weight: float = 2.0


def recipe_for(extra: int) -> Recipe:
    """The default for a room of which the agent asked `extra` questions of its own.

    What these cover need not be held to its old answers: beside them anchors of the probe set are enough.
    An answer weighs as much against those without likelihoods as with them.
    """
    if not extra:
        return Recipe()
    return Recipe(steps=200, extra=30, anchors=6, general=0, similar=0, logits_weight=3.0, words_weight=4.0)


HOME_RECIPE = Recipe(
    rank=16, alpha=32.0, steps=400, batch=12, extra=36, replayed=0, anchors=4, general=60, similar=0,
    reworded=0.5, elsewhere=0.0, rate=1e-3, shrink=1.0, trial=0.8, views=1, attention_weight=0.0,
    anchor_weight=1.0,
)  # fmt: skip
"""For the pairs of many rooms: more of everything, little to hold on to, no pair on another room's frame."""


def home_recipe(extra: int) -> Recipe:
    """The same where the agent asked `extra` questions of its own; without them a person's fill the steps."""
    return HOME_RECIPE if extra else replace(HOME_RECIPE, batch=HOME_RECIPE.batch + HOME_RECIPE.extra)


@dataclass(frozen=True)
class JobLimits:
    """What a job may cost, and how much harm the gate lets pass."""

    seconds: float = 120.0
    """From the worker's start to its result, judging included."""
    threads: int = 1
    """Of the processor; the rest is for answering."""
    forgets: float = 0.4
    """Share of the probe set that may be answered otherwise than by the current adapter."""
    worse: float = 1.0
    """By how many nats a token held-out answers may become less likely."""
    loses: float = 0.2
    """Share of held-out answers that may be lost, one of them in any case; with 0 none may."""


@dataclass(frozen=True)
class Request:
    """One adaptation. `base` is the student's name or folder; `current` the adapter in use, if any.

    `train` are pairs of the room; `hold_out` are others, which judge a trial that never saw them and
    are then learnt as well; `extra` are what the agent asked the expert beside them; `replay` are pairs of
    other rooms; `probe` is the folder of a probe set, which is made there if it is missing. `parent` is the
    folder of an adapter that the new one builds upon and contains.
    Raises ValueError without a pair to train on.
    """

    room: str
    base: str
    train: Sequence[Example]
    hold_out: Sequence[Example] = ()
    extra: Sequence[Example] = ()
    replay: Sequence[Example] = ()
    current: Path | None = None
    probe: Path | None = None
    parent: Path | None = None
    keep_tokens: float | Literal["auto"] = 1.0
    """As `student.keep_tokens`: it learns from, and is judged with, as many vision tokens as it will have."""
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)
    limits: JobLimits = field(default_factory=JobLimits)

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError("there is no pair to train on")


@dataclass(frozen=True)
class Result:
    """How a job ended. `scores`: who was judged (current, trial, candidate), on what, and how it did."""

    outcome: Outcome
    reason: str
    seconds: float
    steps: int = 0
    scores: Mapping[str, Any] = field(default_factory=dict)
