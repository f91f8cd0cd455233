"""One adaptation as values: request, recipe, limits and result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core.sections import VISION_TOKENS
from core.types import Example

Outcome = Literal["promote", "reject", "cancelled", "failed"]


@dataclass(frozen=True)
class Recipe:
    """How to train an adapter. Defaults suit ten pairs of rendered validation rooms; see `recipe_for`."""

    rank: int = 8
    alpha: float = 16.0
    targets: Literal["all", "encoder", "decoder", "later"] = "all"
    """`later`: what comes after the picture, in models that have it so; in others all."""
    steps: int = 60
    batch: int = 10
    """Pairs of the room in a step."""
    extra: int = 0
    """Pairs of the agent's own questions in a step, if there are any."""
    replayed: int = 4
    """Pairs of other rooms in a step, if there are any."""
    anchors: int = 20
    """Questions in a step whose old answers the student must keep."""
    general: int = 60
    """Anchors are drawn from so many questions that fit any room,"""
    similar: int = 150
    """from so many in the pairs' forms about other things, and from the probe set."""
    reworded: float = 0.6
    """Share of pairs in a step, and of anchors, that are reworded."""
    elsewhere: float = 0.4
    """Share of pairs in a step asked of any frame of the room, if the answer should hold there."""
    rate: float = 2e-3
    clip: float = 1.0
    shrink: float = 0.85
    """Share of the change that is kept: weights between old and new are better than either (Wortsman et al.
    2022, Robust fine-tuning of zero-shot models)."""
    trial: float = 0.4
    """After this share of the steps the held-out pairs judge the trial, and then join the training."""
    views: int = 4
    """Other exposures of each picture."""
    variants: int = 8
    """Of each pair, in words, frame and exposure, where they are read once and kept,"""
    extra_variants: int = 2
    """and of each pair of the agent's own."""
    attention_weight: float = 0.5
    look_weight: float = 0.0
    """Where the answer's words look, after the picture; `attention_weight` is of the question's, in it."""
    logits_weight: float = 1.0
    words_weight: float = 1.0
    """The weight of an answer without the expert's likelihoods."""
    replay_weight: float = 0.5
    anchor_weight: float = 2.0


def recipe_for(extra: int) -> Recipe:
    """The default for a room with `extra` pairs of the agent's own questions.

    These cover so much that the probe set is anchor enough.
    """
    if not extra:
        return Recipe(targets="later", steps=120)
    return Recipe(
        targets="later", steps=300, rate=3e-3, extra=30, anchors=6, general=0, similar=0,
        logits_weight=3.0, words_weight=4.0,
    )  # fmt: skip


HOME_RECIPE = Recipe(
    rank=16, alpha=32.0, steps=400, batch=12, extra=36, replayed=0, anchors=4, general=60, similar=0,
    reworded=0.5, elsewhere=0.0, rate=1e-3, shrink=1.0, trial=0.8, views=1, attention_weight=0.0,
    anchor_weight=1.0,
)  # fmt: skip
"""For pairs of many rooms: more of everything, few anchors, no pair on another room's frame."""


def home_recipe(extra: int) -> Recipe:
    """`HOME_RECIPE`; without the agent's own questions, a person's take their place in a step."""
    return HOME_RECIPE if extra else replace(HOME_RECIPE, batch=HOME_RECIPE.batch + HOME_RECIPE.extra)


@dataclass(frozen=True)
class JobLimits:
    """What a job may cost, and how much harm the gate accepts."""

    seconds: float = 120.0
    """From the worker's start to its result, judging included."""
    threads: int = 1
    """Of the processor; the rest is for answering."""
    forgets: float = 0.4
    """Accuracy on the probe set that may be lost."""
    worse: float = 1.0
    """Nats a token by which held-out answers may become less likely."""
    loses: float = 0.2
    """Share of held-out answers that may be lost, but always one; with 0 none."""


@dataclass(frozen=True)
class Request:
    """One adaptation. `base` is the student's name or folder; `current` the adapter in use, if any.

    `train` are pairs of the room; `hold_out` are pairs that judge a trial and then join the training;
    `extra` are pairs of the agent's own questions; `replay` are pairs of other rooms; `probe` is the folder
    of a probe set, made if missing; `parent` that of an adapter which the new one contains. Raises
    ValueError without a pair to train on.
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
    """As `student.keep_tokens`, for training and judging."""
    vision_tokens: int = VISION_TOKENS
    """As `student.vision_tokens`."""
    seed: int = 0
    recipe: Recipe = field(default_factory=Recipe)
    limits: JobLimits = field(default_factory=JobLimits)

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError("there is no pair to train on")


@dataclass(frozen=True)
class Result:
    """How a job ended. `scores` by model (current, trial, candidate) and questions."""

    outcome: Outcome
    reason: str
    seconds: float
    steps: int = 0
    scores: Mapping[str, Any] = field(default_factory=dict)
