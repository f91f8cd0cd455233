"""One question: how far each layer of the student is from each of the expert's, in several ways.

A cell is one part of the networks, one of the student's layers, one of the expert's, and one distance; small
means alike in all of them. Tokens that differ are brought to common ones first: grids to the coarser of
both by area, words by the characters they share.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bench.measure.alike import jensen_shannon, linear_cka, pca2_mse, procrustes_mse, rsa
from bench.studies.distill.reading import grid_weights, text_weights

SEEN, PICTURE, WORDS, MAPS = "vision encoder", "picture in the text encoder", "text encoder", "maps"
CKA, JS = "1 - cka", "attention js"
DISTANCES: Mapping[str, Callable[[NDArray[np.float32], NDArray[np.float32]], float]] = {
    CKA: lambda ours, theirs: 1 - linear_cka(ours, theirs),
    "pca2 mse": pca2_mse,
    "pca2 mse, procrustes": procrustes_mse,
    "1 - rsa": lambda ours, theirs: 1 - rsa(ours, theirs),
}
_FEWEST = 3  # tokens; fewer always lie in one plane

_SIDE = 12

Spans = Sequence[tuple[int, int]]
Layers = Sequence[torch.Tensor]


class Measure(NamedTuple):
    """Which number it is; layers count from 0."""

    part: str
    student: int
    expert: int
    distance: str


def grid_cells(part: str, student: Layers, expert: Layers) -> Iterator[tuple[Measure, float]]:
    """Distances of layers [rows, cols, D]: of the towers, or of the picture in the stack that reads both."""
    for ours, mine in enumerate(student):
        for theirs, other in enumerate(expert):
            yield from _distances(part, ours, theirs, *common_grid(mine, other))


def word_cells(
    student: Layers, expert: Layers, spans: tuple[Spans, Spans]
) -> Iterator[tuple[Measure, float]]:
    """Those of the question's words, [W, D] each, `spans` being the characters of both models' tokens."""
    across = text_weights(*spans).queries
    for ours, mine in enumerate(student):
        for theirs, other in enumerate(expert):
            yield from _distances(WORDS, ours, theirs, mine, across @ other)


def map_cells(student: torch.Tensor, expert: torch.Tensor) -> Iterator[tuple[Measure, float]]:
    """Jensen-Shannon of each layer's map of where the question looks, [L, rows, cols] of each model."""
    for ours, mine in enumerate(student):
        for theirs, other in enumerate(expert):
            pair = [features.numpy() for features in common_grid(mine[..., None], other[..., None])]
            yield Measure(MAPS, ours, theirs, JS), jensen_shannon(*pair)


def common_grid(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features [rows, cols, D] of both over the coarser grid of the two, [cells, D], means by area.

    A side has `_SIDE` cells at most: the cosines of all pairs of tokens would be too many.
    """
    shape = min(ours.shape[0], theirs.shape[0], _SIDE), min(ours.shape[1], theirs.shape[1], _SIDE)
    common = []
    for features in (ours, theirs):
        own_shape = int(features.shape[0]), int(features.shape[1])
        flat = features.flatten(0, 1).float()
        common.append(flat if own_shape == shape else grid_weights(shape, own_shape).queries @ flat)
    return common[0], common[1]


def _distances(
    part: str, student: int, expert: int, ours: torch.Tensor, theirs: torch.Tensor
) -> Iterator[tuple[Measure, float]]:
    if len(ours) < _FEWEST:
        return
    mine, other = ours.cpu().numpy(), theirs.cpu().numpy()
    for name, distance in DISTANCES.items():
        yield Measure(part, student, expert, name), distance(mine, other)
