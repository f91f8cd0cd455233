"""An adapter that builds upon another one, and contains it."""

from collections.abc import Callable
from dataclasses import replace

from adapters.jobs.request import Recipe
from adapters.training.train import Data, OnStep, train
from models.lora import Adapter, AdapterSlot, join
from models.vlm import VisionLanguageModel


def train_upon(
    vlm: VisionLanguageModel,
    parent: Adapter | None,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    time_used: Callable[[], float],
    on_trial: Callable[[], None] | None = None,
) -> Adapter | None:
    """`train` in a model that holds the parent, which must hold no adapter before; it is left so.

    What it is to go on saying is what it says with the parent. The adapter is both: what was learnt, weakened
    as the recipe has it, and the parent in full. Raises WeightsError when that does not fit.
    """
    slot = AdapterSlot(vlm)
    slot.activate(None if parent is None else replace(parent, keep_tokens=None))
    try:
        adapter = train(vlm, data, recipe, seed, on_step, time_used, on_trial)
    finally:
        slot.deactivate()
    return adapter if parent is None or adapter is None else join(parent, adapter)
