"""Adapters: low-rank changes to some linear layers, read, written, and put into a loaded model.

On disk an adapter is what peft writes (`adapter_config.json`, `adapter_model.safetensors`), so
`PeftModel.from_pretrained` reads it, and a `version.json` that names the base it belongs to.

In a model that answers, the change is added to the weights themselves: answering costs nothing more, and
changing adapters takes milliseconds. The weights as they were are kept beside, for the layers that change.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from core.errors import WeightsError
from core.files import atomic_write_text, storage_errors
from models.adapter_files import CONFIG_FILE, WEIGHTS_FILE, Base, check_version, read_json
from models.registry import model_folder
from models.token_pruning import pruner
from models.vlm import Pruner, VisionLanguageModel
from models.weights import DIGEST_FILE, digest

_PREFIX = "base_model.model."
# Settings of peft under which the change would not be the plain product of two matrices.
_OTHER_KINDS = ("use_dora", "rank_pattern", "alpha_pattern", "modules_to_save", "lora_bias", "fan_in_fan_out")


@dataclass(frozen=True)
class Adapter:
    """For each changed layer its two matrices, float32: down [rank, in] and up [out, rank].

    A layer's weight [out, in] gains `scale` * up @ down. `keep_tokens` is the share of vision tokens that the
    gate found enough for it, None where nobody looked.
    """

    rank: int
    alpha: float
    matrices: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    keep_tokens: float | None = None

    @property
    def scale(self) -> float:
        """What the product is multiplied by."""
        return self.alpha / self.rank

    def change(self, layer: str) -> torch.Tensor:
        """What is added to a layer's weight, [out, in]."""
        down, up = self.matrices[layer]
        return self.scale * (up @ down)


def joined(first: Adapter, second: Adapter) -> Adapter:
    """One adapter that changes a layer by what both change it together; their ranks add up.

    Scales are folded into `up`. Where one of them leaves a layer alone, its part is zeros.
    """
    layers = [*first.matrices, *(name for name in second.matrices if name not in first.matrices)]
    matrices = {}
    for layer in layers:
        parts = [_part(first, layer, second), _part(second, layer, first)]
        matrices[layer] = (torch.cat([down for down, _ in parts]), torch.cat([up for _, up in parts], dim=1))
    rank = first.rank + second.rank
    return Adapter(rank, float(rank), matrices)


def _part(adapter: Adapter, layer: str, other: Adapter) -> tuple[torch.Tensor, torch.Tensor]:
    """Its down and its scaled up; zeros, shaped by the other's, where it leaves the layer alone."""
    if layer in adapter.matrices:
        down, up = adapter.matrices[layer]
        return down, adapter.scale * up
    down, up = other.matrices[layer]
    return down.new_zeros(adapter.rank, down.shape[1]), up.new_zeros(up.shape[0], adapter.rank)


def base_of(name: str) -> Base:
    """The base that a model of this name, or in this folder, is. Raises UnknownModelError, WeightsError."""
    folder = model_folder(name)
    kept = folder / DIGEST_FILE
    if kept.is_file():  # loading has held the weights against it
        with storage_errors("read", kept):
            return Base(name, kept.read_bytes().decode("ascii", errors="replace").strip())
    return Base(name, digest(folder))


def write_adapter(adapter: Adapter, base: Base, folder: Path) -> None:
    """Write both files of peft into a folder that is there. Raises StorageError."""
    tensors = {}
    for layer, (down, up) in adapter.matrices.items():
        tensors[f"{_PREFIX}{layer}.lora_A.weight"] = down.contiguous()
        tensors[f"{_PREFIX}{layer}.lora_B.weight"] = up.contiguous()
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": base.name,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "target_modules": sorted(adapter.matrices),
        "lora_dropout": 0.0,
        "bias": "none",
        "task_type": None,
        "inference_mode": True,
    }
    with storage_errors("write", folder / WEIGHTS_FILE):
        save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    atomic_write_text(folder / CONFIG_FILE, json.dumps(config, indent=2) + "\n")


def read_adapter(folder: Path, base: Base) -> Adapter:
    """The adapter in a folder, once its version.json says that it belongs to `base` and is undamaged.

    Raises WeightsError, which names both bases when they differ.
    """
    about = check_version(folder, base)
    return replace(_read(folder), keep_tokens=_share(about.get("keep_tokens")))


def _share(said: object) -> float | None:
    """What version.json says; whatever is no share counts as nothing said."""
    return float(said) if isinstance(said, int | float) and 0 < said <= 1 else None


def _read(folder: Path) -> Adapter:
    config = read_json(folder / CONFIG_FILE)
    odd = [key for key in _OTHER_KINDS if config.get(key)]
    if config.get("peft_type") != "LORA" or odd:
        raise WeightsError(f"{folder} is no plain LoRA ({', '.join(odd) or 'peft_type'}). Adapt again.")
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
        layers = sorted({name.rpartition(".lora_")[0] for name in tensors})
        matrices = {
            layer.removeprefix(_PREFIX): (
                tensors[f"{layer}.lora_A.weight"].float(),
                tensors[f"{layer}.lora_B.weight"].float(),
            )
            for layer in layers
        }
        return Adapter(int(config["r"]), float(config["lora_alpha"]), matrices)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"The adapter in {folder} is damaged ({error}). Roll back, or adapt again."
        ) from error


@dataclass(frozen=True)
class _State:
    """Changed weights by layer, and what leaves vision tokens out while they answer."""

    weights: dict[str, torch.Tensor]
    pruner: Pruner | None


class AdapterSlot:
    """The one place of a loaded model where an adapter sits. Not safe for several threads.

    A second adapter may lie under it, on which the model rests while there is no other or that is suspended.
    Each changed layer has its weights as they were loaded, at rest and with the adapter in; which of them
    answer is a matter of pointers, so that every state is what it was, to the bit. So is which vision tokens
    are left out, where adapters choose that.
    """

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self._module = vlm.module
        self._name = vlm.name
        self._vlm = vlm
        self._loaded: dict[str, torch.Tensor] = {}
        self._bare = _State({}, vlm.pruner)
        self._resting = self._bare
        self._active: _State | None = None

    def activate(self, adapter: Adapter | None) -> None:
        """Put an adapter in, in place of the one before; None leaves the model at rest.

        It changes the weights as they were loaded: what lies under it does not add to it. Raises
        WeightsError before anything is changed when it does not fit the model.
        """
        weights = None if adapter is None else self._changed(adapter)
        self._hold(self._resting, weights)

    def rest_on(self, adapter: Adapter | None) -> None:
        """Lay an adapter under the one that is in; None: the base as it was loaded.

        Raises WeightsError as `activate` does.
        """
        self._hold(self._bare if adapter is None else self._changed(adapter), self._active)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Inside, the model is at rest. Weights change places, nothing is computed or copied."""
        self._show(self._resting)
        try:
            yield
        finally:
            self._show(self._shown())

    @contextmanager
    def bare(self) -> Iterator[None]:
        """Inside, the base answers as it was loaded."""
        self._show(self._bare)
        try:
            yield
        finally:
            self._show(self._shown())

    def deactivate(self) -> None:
        """Leave the model at rest: with nothing under it the base as it was loaded, to the bit."""
        self.activate(None)

    def _shown(self) -> _State:
        return self._resting if self._active is None else self._active

    def _show(self, state: _State) -> None:
        for name, loaded in self._loaded.items():
            self._weight(name).data = state.weights.get(name, loaded)
        if self._vlm.adapters_choose:
            self._vlm.pruner = state.pruner

    def _hold(self, resting: _State, active: _State | None) -> None:
        """Keep these, and the loaded weights of their layers and no others."""
        self._show(self._bare)
        self._resting, self._active = resting, active
        changed = {**resting.weights, **(active.weights if active else {})}
        self._loaded = {name: self._weight(name).data for name in changed}
        self._show(self._shown())

    @torch.no_grad()
    def _changed(self, adapter: Adapter) -> _State:
        """Weights of the layers that it changes, and what it does with vision tokens."""
        changes = {name: adapter.change(name) for name in adapter.matrices}
        for name, change in changes.items():
            self._check(name, change)
        loaded = {name: self._loaded.get(name, self._weight(name).data) for name in changes}
        weights = {name: loaded[name] + change.to(loaded[name]) for name, change in changes.items()}
        return _State(
            weights, self._bare.pruner if adapter.keep_tokens is None else pruner(adapter.keep_tokens)
        )

    def _check(self, name: str, change: torch.Tensor) -> None:
        layers = dict(self._module.named_modules())
        layer = layers.get(name)
        fits = isinstance(layer, nn.Linear) and layer.weight.shape == change.shape
        if not fits or not bool(change.isfinite().all()):
            raise WeightsError(
                f"The adapter's layer {name} {tuple(change.shape)} does not fit {self._name}. Adapt again."
            )

    def _weight(self, name: str) -> torch.Tensor:
        return self._module.get_parameter(f"{name}.weight")
