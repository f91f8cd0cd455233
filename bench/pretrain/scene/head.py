"""Training the built-in teacher's head, contrastively: its tower's cells against sentences about rooms."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn
from torch.nn import functional

from bench.pretrain.common.names import THINGS
from bench.rooms.layout import KINDS
from bench.rooms.rendering.facts import FrameFacts
from core.files import atomic_write_bytes
from core.ports import Rows
from models.scene.names import GENERIC, prompt
from models.scene.teacher import PoolingHead

_BATCH = 128
_RATE = 1e-3
_TEMPERATURE = 0.07
_PAIRS = 1200
_ALIKE = frozenset({
    "child's room", "guest room", "hotel room", "lounge", "open-plan office", "pantry", "restaurant",
    "studio flat", "study", "toilet", "utility room", "laundry room", "conservatory", "cafeteria",
    "waiting room", *KINDS,
})  # fmt: skip
"""Generic places that a rendered room may as well be called."""
Caption = tuple[str, str | None, frozenset[str]]


def train_head(
    cells: NDArray[np.float16],
    facts: list[FrameFacts],
    text: Callable[[list[str]], Rows],
    epochs: int,
    seed: int,
    report: Callable[[int, float], None],
) -> PoolingHead:
    """A head for cells float16 [n, N, C], in evaluation mode; `said` hears step and loss.

    The loss is InfoNCE (van den Oord et al. 2018) both ways, where every sentence that is true of a frame
    counts as its partner: in a batch many frames show the same kind of room.
    """
    bank = caption_bank(seed)
    truth = truths(bank, facts)
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
        partners = _draw_sentences(truth[rows], places, rng)
        rows_of_frames = functional.normalize(head(torch.from_numpy(cells[rows]).float()), dim=1)
        likeness = rows_of_frames @ words[partners].T * heat.exp().clamp(max=100)
        loss = _both_ways(likeness, torch.from_numpy(truth[np.ix_(rows, partners)]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        report(step, loss.item())
    return head.eval()


def save_head(head: PoolingHead, tower: str, about: dict[str, float], path: Path) -> None:
    """Write it in half precision, tied to the expert's digest. Raises StorageError."""
    tensors = {name: tensor.half().contiguous() for name, tensor in head.state_dict().items()}
    atomic_write_bytes(path, save(tensors, metadata={"tower": tower, "about": json.dumps(about)}))


def _draw_sentences(
    truth: NDArray[np.bool_], places: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """A true sentence of each frame and all of `places`, each sentence once."""
    sentences = [int(rng.choice(np.flatnonzero(row))) for row in truth]
    return np.unique(np.concatenate([sentences, places]))


def _both_ways(likeness: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Mean of the cross-entropies along both axes of [frames, sentences]; targets share what is true."""

    def one_way(values: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        partnered = right.any(1)  # a sentence that is true of no frame has no frame to be near
        target = right[partnered].float() / right[partnered].sum(1, keepdim=True)
        return -(target * values[partnered].log_softmax(1)).sum(1).mean()

    return (one_way(likeness, truth) + one_way(likeness.T, truth.T)) / 2


def caption_bank(seed: int) -> list[Caption]:
    """Sentences with the kind of room and the things that they name. The same seed gives the same.

    A sentence about a place that is no rendered room is true of no frame.
    """
    rng = np.random.default_rng(seed)
    nothing: frozenset[str] = frozenset()
    bank: list[Caption] = []
    for kind in KINDS:
        texts = (prompt(kind), kind, f"inside a {kind}", f"the {kind} of a home")
        bank += [(text, kind, nothing) for text in texts]
    bank += [(prompt(place), place, nothing) for place in GENERIC if place not in _ALIKE]
    bank += [(prompt(thing), None, frozenset({thing})) for thing in THINGS]
    bank += [(f"a {kind} with a {thing}", kind, frozenset({thing})) for kind, thing in product(KINDS, THINGS)]
    for _ in range(_PAIRS):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        first, second = (THINGS[int(i)] for i in rng.choice(len(THINGS), 2, replace=False))
        bank.append((f"a photo of a {kind} with a {first} and a {second}", kind, frozenset({first, second})))
    return bank


def truths(bank: Sequence[Caption], facts: Sequence[FrameFacts]) -> NDArray[np.bool_]:
    """Whether each sentence is true of each frame: [frames, sentences]; things count where they are clear."""
    kinds = np.array([[kind is None or fact.kind == kind for _, kind, _ in bank] for fact in facts])
    clear = np.array([
        [any(s.clear and s.category == t for s in fact.seen) for t in THINGS] for fact in facts
    ])
    mentions = np.array([[thing in things for thing in THINGS] for _, _, things in bank], np.int32)
    missing = (~clear).astype(np.int32) @ mentions.T
    return np.asarray(kinds & (missing == 0), np.bool_)


def always(bank: Sequence[Caption]) -> NDArray[np.int64]:
    """The sentences that name a place alone: every frame is compared with all of them."""
    return np.array([row for row, (_, kind, things) in enumerate(bank) if kind is not None and not things])
