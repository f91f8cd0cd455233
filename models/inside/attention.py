"""Attention maps from the words of an answer or a question to the picture, and rollouts of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from PIL.Image import Image

from core.errors import InputError, ModelError
from models.loss import IGNORED
from models.maps import eager, restore_places
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

QueryTokens = Literal["answer", "question"]
"""The queries: the words of the answer as they are written, or those of the question."""
_SMALLEST = 1e-9


@contextmanager
def mapping(vlm: VisionLanguageModel) -> Iterator[None]:
    """Inside, attention is eager, so that `teacher_forced(attentions=True)` returns maps.

    Raises InputError when it returns none all the same.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(eager(vlm.module))
        except (AttributeError, ValueError) as error:
            raise _no_maps_error(vlm, error) from error
        try:
            yield
        except ModelError as error:
            raise _no_maps_error(vlm, error) from error


def _no_maps_error(vlm: VisionLanguageModel, error: Exception) -> InputError:
    return InputError(
        f"{vlm.name} gives no maps of where it looks ({str(error).rstrip('.')}). Choose another model."
    )


@dataclass(frozen=True)
class AttentionMaps:
    """The maps of one question about one picture, `cells` [L, H, rows, cols] float32, raw mass.

    The mean over query tokens. The rest of each token's attention, up to 1, is on
    words and the mean token. `entropy` [L] is the entropy of each token's map as a share of the largest
    possible, the mean over heads and tokens: 1 is uniform.
    """

    cells: torch.Tensor
    entropy: torch.Tensor

    @property
    def mass(self) -> torch.Tensor:
        """The share of attention on the picture's cells, [L], the mean over heads."""
        return self.cells.sum(dim=(2, 3)).mean(dim=1)

    def select(self, layer: int | None = None, head: int | None = None) -> torch.Tensor:
        """One map [rows, cols] that sums to 1, of a layer and a head, from 0; None is the mean over all.

        Raises InputError when there is no such layer or head.
        """
        for name, index, count in (("layer", layer, len(self.cells)), ("head", head, self.cells.shape[1])):
            if index is not None and not 0 <= index < count:
                raise InputError(f"There is no {name} {index + 1}. Choose one from 1 to {count}.")
        layers = self.cells if layer is None else self.cells[layer : layer + 1]
        heads = layers if head is None else layers[:, head : head + 1]
        return normalise_map(heads.mean(dim=(0, 1)))


def normalise_map(cells: torch.Tensor) -> torch.Tensor:
    """Maps [..., rows, cols] divided by their sums."""
    return cells / cells.sum(dim=(-2, -1), keepdim=True).clamp(min=_SMALLEST)


def teacher_forced_with_maps(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, answer: str
) -> TeacherForced:
    """One pass over a known answer, with maps and without gradient. Raises InputError without maps."""
    with torch.inference_mode(), mapping(vlm):
        return vlm.teacher_forced(vision, [question], [answer], attentions=True)


def attention_maps(
    forced: TeacherForced, vision: VisionTokens, words: QueryTokens, row: int = 0
) -> AttentionMaps | None:
    """Attention of those words to the picture; None when there are no such words.

    In a single stack the position before an answer's token predicts it, so its attention counts; in an
    encoder-decoder it is the cross-attention.
    """
    queries = _query_rows(forced, words, row)
    if queries is None or not queries.shape[2]:
        return None
    vision_attention = restore_pruned(queries[..., forced.vis[row]], forced, vision, row)
    cells = vision_attention[..., int(vision.mean_token) :]
    grid = cells.mean(dim=2).unflatten(-1, (vision.rows, vision.cols))
    return AttentionMaps(grid, _entropy(cells))


def restore_pruned(
    attention: torch.Tensor, forced: TeacherForced, vision: VisionTokens, row: int = 0
) -> torch.Tensor:
    """Values of vision tokens, [..., K] in the order of `forced.vis`, as [..., N]; 0 where one was pruned."""
    if forced.kept is None:
        return attention
    kept = forced.kept[row]
    return restore_places(attention, kept[kept >= 0], vision.total)


def on_grid(
    attention: torch.Tensor, forced: TeacherForced, vision: VisionTokens, row: int = 0
) -> torch.Tensor:
    """The same without a mean token, [..., rows, cols]."""
    cells = restore_pruned(attention, forced, vision, row)[..., int(vision.mean_token) :]
    maps: torch.Tensor = cells.unflatten(-1, (vision.rows, vision.cols))
    return maps


def _query_rows(forced: TeacherForced, words: QueryTokens, row: int) -> torch.Tensor | None:
    """The attention of the query tokens, [L, H, T, S] float32."""
    if words == "answer" and forced.cross_attentions:
        layers, queries = forced.cross_attentions, forced.labels[row] != IGNORED
    elif words == "answer":
        layers, queries = forced.attentions, forced.ans[row].roll(-1)
    else:
        layers, queries = forced.attentions, forced.txt[row]
    return torch.stack([layer[row][:, queries].float() for layer in layers]) if layers else None


def _entropy(cells: torch.Tensor) -> torch.Tensor:
    """Entropy [L] of the rows of [L, H, T, N] over the largest possible; 0 for a single cell."""
    if cells.shape[-1] < 2:
        return torch.zeros(len(cells))
    shares = cells / cells.sum(dim=-1, keepdim=True).clamp(min=_SMALLEST)
    largest = torch.tensor(float(cells.shape[-1])).log()
    entropy: torch.Tensor = torch.special.entr(shares).sum(dim=-1).mean(dim=(1, 2)) / largest
    return entropy


def check_size(picture: Image, vision: VisionTokens, name: str) -> None:
    """Raises InputError for a picture with fewer pixels per side than the model has patches."""
    if picture.width < vision.cols or picture.height < vision.rows:
        raise InputError(
            f"The picture has {picture.width} x {picture.height} pixels, fewer than the {vision.cols} x "
            f"{vision.rows} patches that {name} tells apart. Give a larger one."
        )


def rollouts(layers: Sequence[torch.Tensor], residual: bool = True) -> list[torch.Tensor]:
    """After each layer the product of all maps so far, [B, S, S] each; rows sum to 1.

    Abnar & Zuidema 2020, "Quantifying attention flow in transformers" (arXiv 2005.00928), section 3; for
    self-attention alone. Float32; gradients flow to every layer. `layers` are maps [B, H, S, S], heads are
    averaged. `residual` averages each map with the identity for the residual connection; without it all rows
    become the same within a few layers.
    """
    products: list[torch.Tensor] = []
    for layer in layers:
        step = layer.float().mean(dim=1)
        if residual:
            both = step + torch.eye(step.shape[-1], device=step.device)
            step = both / both.sum(dim=-1, keepdim=True)
        products.append(step @ products[-1] if products else step)
    return products
