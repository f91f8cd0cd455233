"""Train one adapter from a few pairs."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_

from adapters.jobs.request import Recipe
from adapters.training.later import LaterMaterial
from adapters.training.lessons import Data
from adapters.training.whole import WholeMaterial
from models.lora import Adapter, AdapterSlot, join
from models.lora_training import attach, detach, extract
from models.precision import bfloat16_if_fast
from models.prefix_model import PrefixModel
from models.prefix_store import PrefixStore
from models.vlm import VisionLanguageModel

_WARM_UP = 5
_KEPT_IN_MEMORY = 1 << 30
"""Bytes of what is read once; the rest lies on the disk."""


def warmed_cosine(step: int, steps: int) -> float:
    """Share of the full rate in step `step` of `steps`, from 0: linear warm-up, then half a cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


OnStep = Callable[[int, float], None]
"""Called with the number of a step, from 1, and its loss."""


class TrainingMaterial(Protocol):
    """What steps learn from."""

    @property
    def targets(self) -> list[str]: ...
    def loss(self, open_pairs: int, rng: np.random.Generator) -> torch.Tensor: ...


def material(
    vlm: VisionLanguageModel, data: Data, recipe: Recipe, rng: np.random.Generator, store: PrefixStore
) -> TrainingMaterial:
    """Of what comes after the picture where recipe and model have it so, else of the whole model."""
    if recipe.targets == "later" and isinstance(vlm, PrefixModel):
        return LaterMaterial(vlm, data, recipe, rng, store)
    return WholeMaterial(vlm, data, recipe, rng)


def train(
    vlm: VisionLanguageModel,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    time_used: Callable[[], float],
    on_trial: Callable[[], None] | None = None,
    keep: Path | None = None,
) -> Adapter | None:
    """The adapter, or None when time was up before the first step; the model is left as it was.

    `time_used` returns the share of the time that has passed; at 1 training ends. `on_trial` is called once,
    with the trained model in place, before the late pairs join: after its share of the steps or of the time.
    What is read once and does not fit the memory lies in the folder `keep` meanwhile.

    Examples with attention maps need a model loaded with attention="eager". Deterministic on the same
    processor with the same number of threads.
    """
    rng = np.random.default_rng(seed)
    store = PrefixStore(Path(tempfile.gettempdir()) if keep is None else keep, _KEPT_IN_MEMORY)
    lessons = material(vlm, data, recipe, rng, store)
    open_pairs, pairs = len(data.train), len(data.train) + len(data.late)
    parameters = attach(vlm, recipe.rank, recipe.alpha, lessons.targets, seed)
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0, betas=(0.9, 0.99))
    step = 0
    try:
        while step < recipe.steps and (elapsed := time_used()) < 1:
            if open_pairs < pairs and max(elapsed, step / recipe.steps) >= recipe.trial:
                open_pairs = pairs
                if on_trial is not None:
                    on_trial()
            for group in optimiser.param_groups:
                # A busy machine makes fewer steps, and still ends at the lowest rate.
                progress = max(step, int(elapsed * recipe.steps))
                group["lr"] = recipe.rate * warmed_cosine(progress, recipe.steps)
            with bfloat16_if_fast(vlm.device):
                loss = lessons.loss(open_pairs, rng)
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(parameters, recipe.clip)
            optimiser.step()
            step += 1
            on_step(step, loss.item())
        return extract(vlm, recipe.rank, recipe.shrink * recipe.alpha) if step else None
    finally:
        store.close()
        detach(vlm)


def train_upon(
    vlm: VisionLanguageModel,
    parent: Adapter | None,
    data: Data,
    recipe: Recipe,
    seed: int,
    on_step: OnStep,
    time_used: Callable[[], float],
    on_trial: Callable[[], None] | None = None,
    keep: Path | None = None,
) -> Adapter | None:
    """`train` in a model that holds the parent, which must hold no adapter before; it is left so.

    What it is to go on saying is what it says with the parent. The adapter is both: what was learnt, weakened
    as the recipe has it, and the parent in full. Raises WeightsError when that does not fit.
    """
    slot = AdapterSlot(vlm)
    slot.activate(None if parent is None else replace(parent, keep_tokens=None))
    try:
        adapter = train(vlm, data, recipe, seed, on_step, time_used, on_trial, keep)
    finally:
        slot.deactivate()
    return adapter if parent is None or adapter is None else join(parent, adapter)
