"""Train an adapter inside a model: put peft's layers around the frozen ones, and take them out again."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn

from models.lora import Adapter
from models.vlm import VisionLanguageModel

_SLOT = "default"


def attach(
    vlm: VisionLanguageModel,
    rank: int,
    alpha: float,
    targets: Sequence[str],
    seed: int,
    parent: Adapter | None = None,
) -> list[nn.Parameter]:
    """Freeze the model, put trainable matrices around the target layers, and return them.

    Answers do not change before the first step; with a `parent` they become the parent's. The global random
    state is kept. Raises ValueError for a missing layer, and for a parent of other layers or rank.
    """
    vlm.module.requires_grad_(False)
    # peft writes int, and computes with any number.
    config = LoraConfig(r=rank, lora_alpha=cast(int, alpha), target_modules=list(targets), lora_dropout=0.0)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft reads a property that transformers has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        inject_adapter_in_model(config, vlm.module)
    layers = _layers(vlm)
    if set(layers) != set(targets):
        raise ValueError(f"asked for {len(targets)} layers, adapted {len(layers)}")
    if parent is not None:
        _start_from(layers, parent, rank)
    return [part for layer in layers.values() for part in _matrices(layer)]


def extract(vlm: VisionLanguageModel, rank: int, alpha: float) -> Adapter:
    """Copy the matrices as they are now."""
    pairs = {name: _matrices(layer) for name, layer in _layers(vlm).items()}
    return Adapter(rank, alpha, {name: (_copy(down), _copy(up)) for name, (down, up) in pairs.items()})


@contextmanager
def weakened(vlm: VisionLanguageModel, share: float) -> Iterator[None]:
    """Inside, the matrices' change is scaled by `share`."""
    layers = _layers(vlm).values()
    before = [layer.scaling[_SLOT] for layer in layers]
    for layer, scale in zip(layers, before, strict=True):
        layer.scaling[_SLOT] = share * scale
    try:
        yield
    finally:
        for layer, scale in zip(layers, before, strict=True):
            layer.scaling[_SLOT] = scale


def detach(vlm: VisionLanguageModel) -> None:
    """Take the matrices out; the model is what it was before `attach`."""
    for name, layer in _layers(vlm).items():
        parent, _, child = name.rpartition(".")
        setattr(vlm.module.get_submodule(parent), child, layer.base_layer)
    if hasattr(vlm.module, "peft_config"):
        del vlm.module.peft_config


def _layers(vlm: VisionLanguageModel) -> dict[str, Any]:
    return {name: part for name, part in vlm.module.named_modules() if isinstance(part, LoraLayer)}


def _matrices(layer: Any) -> tuple[nn.Parameter, nn.Parameter]:
    return layer.lora_A[_SLOT].weight, layer.lora_B[_SLOT].weight


def _copy(part: torch.Tensor) -> torch.Tensor:
    return part.detach().float().cpu().clone()


@torch.no_grad()
def _start_from(layers: dict[str, Any], parent: Adapter, rank: int) -> None:
    if set(layers) != set(parent.matrices) or parent.rank != rank:
        raise ValueError("the parent has other layers or another rank")
    for name, layer in layers.items():
        for ours, theirs in zip(_matrices(layer), parent.matrices[name], strict=True):
            ours.copy_(theirs)
