"""Training the built-in teacher's head: cells of the expert's tower against sentences, contrastively."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn
from torch.nn import functional

from bench.pretrain.scene.captions import always, caption_bank, truths
from bench.rooms.rendering.facts import FrameFacts
from core.files import atomic_write_bytes
from core.ports import Rows
from models.scene.teacher import PoolingHead

_BATCH = 128
_RATE = 1e-3
_TEMPERATURE = 0.07


def train_head(
    cells: NDArray[np.float16],
    facts: list[FrameFacts],
    text: Callable[[list[str]], Rows],
    epochs: int,
    seed: int,
    said: Callable[[int, float], None],
) -> PoolingHead:
    """A head for cells float16 [n, N, C], in evaluation mode; `said` hears step and loss.

    The loss is InfoNCE (van den Oord et al. 2018) both ways, where every sentence that is true of a frame
    counts as its partner: in a batch many frames show the same kind of room.
    """
    bank = caption_bank(seed)
    true = truths(bank, facts)
    places = always(bank)
    words = torch.from_numpy(text([sentence for sentence, _, _ in bank]))
    torch.manual_seed(seed)
    head = PoolingHead(cells.shape[2], words.shape[1])
    heat = nn.Parameter(torch.tensor(1 / _TEMPERATURE).log())
    optimiser = torch.optim.AdamW([*head.parameters(), heat], lr=_RATE, weight_decay=0.05)
    rng = np.random.default_rng(seed)
    steps = epochs * (len(cells) // _BATCH)
    head.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        rows = rng.choice(len(cells), _BATCH, replace=False)
        partners = _chosen(true[rows], places, rng)
        seen = functional.normalize(head(torch.from_numpy(cells[rows]).float()), dim=1)
        likeness = seen @ words[partners].T * heat.exp().clamp(max=100)
        loss = _both_ways(likeness, torch.from_numpy(true[np.ix_(rows, partners)]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        said(step, loss.item())
    return head.eval()


def save_head(head: PoolingHead, tower: str, about: dict[str, float], path: Path) -> None:
    """Write it in half precision, tied to the expert's digest. Raises StorageError."""
    tensors = {name: tensor.half().contiguous() for name, tensor in head.state_dict().items()}
    atomic_write_bytes(path, save(tensors, metadata={"tower": tower, "about": json.dumps(about)}))


def _chosen(
    true: NDArray[np.bool_], places: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """A true sentence of each frame and all of `places`, each sentence once."""
    drawn = [int(rng.choice(np.flatnonzero(row))) for row in true]
    return np.unique(np.concatenate([drawn, places]))


def _both_ways(likeness: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Mean of the cross-entropies along both axes of [frames, sentences]; targets share what is true."""

    def one_way(values: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        known = right.any(1)  # a sentence that is true of no frame has no frame to be near
        target = right[known].float() / right[known].sum(1, keepdim=True)
        return -(target * values[known].log_softmax(1)).sum(1).mean()

    return (one_way(likeness, true) + one_way(likeness.T, true.T)) / 2
