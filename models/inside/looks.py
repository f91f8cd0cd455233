"""Where the words of an answer, or of the question, look in the picture, layer by layer and head by head."""

from dataclasses import dataclass
from typing import Literal

import torch
from PIL.Image import Image

from core.errors import InputError
from models.inside.eager import mapping
from models.loss import IGNORED
from models.maps import laid_out
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

Words = Literal["answer", "question"]
"""Whose words look: those of the answer as each is written, or the question's own."""

_SMALLEST = 1e-9


@dataclass(frozen=True)
class Looks:
    """The maps of one question about one picture, `cells` [L, H, rows, cols] float32, raw mass.

    The mean over the tokens that look. `mean_mass` [L, H] is what they spend on the mean token, which is no
    place (0 where there is none); the rest of each token's attention, up to 1, is on words. `entropy` [L]
    is that of each token's map over the cells as a share of the largest there can be, the mean over heads
    and tokens: 1 is everywhere alike.
    """

    cells: torch.Tensor
    mean_mass: torch.Tensor
    entropy: torch.Tensor

    @property
    def mass(self) -> torch.Tensor:
        """The share of attention that is on the picture's cells, [L], the mean over heads."""
        return self.cells.sum(dim=(2, 3)).mean(dim=1)

    def chosen(self, layer: int | None = None, head: int | None = None) -> torch.Tensor:
        """One map [rows, cols] that sums to 1: of a layer and a head, counted from 0; None is the mean over
        all.

        Raises InputError when there is no such layer or head.
        """
        for name, wanted, there in (("layer", layer, len(self.cells)), ("head", head, self.cells.shape[1])):
            if wanted is not None and not 0 <= wanted < there:
                raise InputError(f"There is no {name} {wanted + 1}. Choose one from 1 to {there}.")
        layers = self.cells if layer is None else self.cells[layer : layer + 1]
        heads = layers if head is None else layers[:, head : head + 1]
        return shares(heads.mean(dim=(0, 1)))


def shares(cells: torch.Tensor) -> torch.Tensor:
    """Maps [..., rows, cols] divided by their sums."""
    return cells / cells.sum(dim=(-2, -1), keepdim=True).clamp(min=_SMALLEST)


def forced_with_maps(
    vlm: VisionLanguageModel, vision: VisionTokens, question: str, answer: str
) -> TeacherForced:
    """One pass over a known answer, with maps and without gradient. Raises InputError without maps."""
    with torch.inference_mode(), mapping(vlm):
        return vlm.teacher_forced(vision, [question], [answer], attentions=True)


def looks_of(forced: TeacherForced, vision: VisionTokens, words: Words, row: int = 0) -> Looks | None:
    """What those words see of the picture; None when there are no such words.

    An answer's word is written from what the position before it has read, so in a single stack those
    positions are the ones that look; in an encoder-decoder it is the decoder's attention to the encoder.
    """
    rows = _rows(forced, words, row)
    if rows is None or not rows.shape[2]:
        return None
    every = whole(rows[..., forced.vis[row]], forced, vision, row)
    first = int(vision.mean_token)
    seen = every[..., first:]
    mean = every[..., 0].mean(dim=-1) if first else torch.zeros(every.shape[:2])
    grid = seen.mean(dim=2).unflatten(-1, (vision.rows, vision.cols))
    return Looks(grid, mean, _entropy(seen))


def whole(seen: torch.Tensor, forced: TeacherForced, vision: VisionTokens, row: int = 0) -> torch.Tensor:
    """What vision tokens are worth, [..., K] in the order of `forced.vis`, as [..., N]; 0 where one was left
    out.
    """
    if forced.kept is None:
        return seen
    kept = forced.kept[row]
    return laid_out(seen, kept[kept >= 0], vision.whole)


def gridded(seen: torch.Tensor, forced: TeacherForced, vision: VisionTokens, row: int = 0) -> torch.Tensor:
    """The same without a mean token, [..., rows, cols]."""
    cells = whole(seen, forced, vision, row)[..., int(vision.mean_token) :]
    grid: torch.Tensor = cells.unflatten(-1, (vision.rows, vision.cols))
    return grid


def _rows(forced: TeacherForced, words: Words, row: int) -> torch.Tensor | None:
    """The rows that look, [L, H, T, S] float32."""
    if words == "answer" and forced.cross_attentions:
        layers, wanted = forced.cross_attentions, forced.labels[row] != IGNORED
    elif words == "answer":
        layers, wanted = forced.attentions, forced.ans[row].roll(-1)
    else:
        layers, wanted = forced.attentions, forced.txt[row]
    return torch.stack([layer[row][:, wanted].float() for layer in layers]) if layers else None


def _entropy(seen: torch.Tensor) -> torch.Tensor:
    """[L]: each row [N] of [L, H, T, N] as shares; a single cell has nothing to choose from."""
    if seen.shape[-1] < 2:
        return torch.zeros(len(seen))
    rows = seen / seen.sum(dim=-1, keepdim=True).clamp(min=_SMALLEST)
    largest = torch.tensor(float(seen.shape[-1])).log()
    entropy: torch.Tensor = torch.special.entr(rows).sum(dim=-1).mean(dim=(1, 2)) / largest
    return entropy


def check_size(picture: Image, vision: VisionTokens, name: str) -> None:
    """Raises InputError for a picture with fewer pixels a side than the model tells patches apart."""
    if picture.width < vision.cols or picture.height < vision.rows:
        raise InputError(
            f"The picture has {picture.width} x {picture.height} pixels, fewer than the {vision.cols} x "
            f"{vision.rows} patches that {name} tells apart. Give a larger one."
        )
