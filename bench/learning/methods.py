"""The methods that are compared, as data: what each learns from, and by which recipe.

What the replay itself tells is always there: the student `untouched`, `memory` alone, `roomwise` (the
default, as people get it, gate included), the `agent` (what was really said: by memory, by the student or,
where that was too unsure, by the expert) and the `expert`. The others get the pairs of that replay, learn by
themselves without a gate, and answer by the same rule: only what is like something taught.

    all-rooms           no student: pairs of all rooms vote, and how much each bears was learnt from them
    context             training-free: the nearest pairs stand before the question, as text
    lora                plain few-shot LoRA: cross-entropy on the pairs, nothing else
    roomwise-ce         the default, with cross-entropy as the only thing learnt from the expert
    roomwise-attention  the default without the expert's likelihoods
    whole               the default in the whole language model, which reads everything anew in each step
    no-extra            the default on what the person asked, without the agent's own questions
    home                what rooms of a stream taught before, and nothing of this room
    no-home             the default from the untouched student, whatever rooms came before
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.jobs.job import read_request
from adapters.jobs.request import Recipe, Request, recipe_for
from adapters.training.lessons import Data
from adapters.training.probe import probe_set
from adapters.training.train import train_upon
from agent.recording.record import Recording
from core.errors import InputError
from core.events import AdaptationEnded
from core.text import did_you_mean
from core.types import Example
from models.lora import Adapter, base_of, read_adapter
from models.vlm import VisionLanguageModel

ROOMWISE, CE, CONTEXT, AGENT, AT_HOME = "roomwise", "roomwise-ce", "context", "agent", "home"
ALL_ROOMS = "all-rooms"
REPLAYED = ("untouched", "memory", ROOMWISE, AGENT, "expert")


@dataclass(frozen=True)
class LearningMethod:
    """How an adapter of its own comes about. `signals`: what the expert ships beside the words counts;
    `others`: it repeats other rooms and is held to its old answers; `extra`: it learns what the agent asked;
    `home`: it builds upon what other rooms taught, and rests on it.
    """

    recipe: Callable[[Recipe], Recipe] = lambda recipe: recipe
    signals: bool = True
    others: bool = True
    extra: bool = True
    home: bool = True


def _plain(recipe: Recipe) -> Recipe:
    """Nothing but steps on the pairs, all of them from the first step on."""
    return replace(
        _whole(recipe), attention_weight=0.0, logits_weight=0.0, anchors=0, general=0, similar=0,
        reworded=0.0, elsewhere=0.0, views=0, shrink=1.0, trial=0.0,
    )  # fmt: skip


def _whole(recipe: Recipe) -> Recipe:
    """With the steps and rate that were best there."""
    return replace(recipe, targets="all", steps=200 if recipe.extra else 60, rate=2e-3)


def _without_logits(recipe: Recipe) -> Recipe:
    """Answers weigh as much against anchors as likelihoods and answers did."""
    return replace(recipe, logits_weight=0.0, anchor_weight=recipe.anchor_weight / recipe.words_weight)


TAUGHT = {
    "lora": LearningMethod(_plain, signals=False, others=False, home=False),
    CE: LearningMethod(signals=False),
    "roomwise-attention": LearningMethod(_without_logits),
    "whole": LearningMethod(_whole),
    "no-extra": LearningMethod(lambda recipe: recipe_for(0), extra=False),
    "no-home": LearningMethod(home=False),
}
ORDER = ("untouched", "memory", ALL_ROOMS, CONTEXT, AT_HOME, *TAUGHT, ROOMWISE, AGENT, "expert")
"""As tables list them."""


def parse_methods(text: str) -> tuple[str, ...]:
    """Methods beside the replay's from a list such as "lora,context", or "all". Raises InputError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*ORDER, "all"):
            raise InputError(f"There is no method {name!r}. {did_you_mean(name, (*ORDER, 'all'))}")
    return tuple(name for name in ORDER if name not in REPLAYED and (name in names or "all" in names))


def last_request(run: Path, recording: Recording) -> Request | None:
    """What the last job of a replay that came to a verdict was asked; None when there was none."""
    jobs = [event.job for event in recording.events if isinstance(event, AdaptationEnded) and not event.again]
    return read_request(run / "jobs" / jobs[-1]) if jobs else None


def method_request(request: Request, method: LearningMethod, excluded: Collection[str]) -> Request | None:
    """The request as the method has it, without the `excluded` pairs; None when nothing is left to learn."""

    def select(pairs: Iterable[Example]) -> list[Example]:
        selected = [pair for pair in pairs if pair.id not in excluded]
        return selected if method.signals else [replace(pair, signal=None) for pair in selected]

    train, hold_out = select(request.train), select(request.hold_out)
    if not train:
        train, hold_out = hold_out, []
    if not train:
        return None
    others = request.replay if method.others else ()
    extra = select(request.extra) if method.extra else []
    changed = replace(
        request,
        train=train,
        hold_out=hold_out,
        replay=others,
        extra=extra,
        recipe=method.recipe(request.recipe),
    )
    changed = changed if method.home else replace(changed, parent=None)
    return changed if method.others else replace(changed, probe=None)


def train_adapter(vlm: VisionLanguageModel, request: Request) -> Adapter | None:
    """The adapter; every step is made, however long it takes. The model is left as it was."""
    base = base_of(request.base)
    parent = None if request.parent is None else read_adapter(request.parent, base)
    probe = [] if request.probe is None else probe_set(vlm, base, request.probe)
    data = Data(request.train, request.replay, probe, request.hold_out, request.extra)
    return train_upon(vlm, parent, data, request.recipe, request.seed, lambda step, loss: None, lambda: 0.0)
