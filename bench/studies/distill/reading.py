"""What one model's pass over some questions gives to compare with another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch

from adapters.training.codes import paired_layers
from bench.studies.distill.terms import Need
from models.alignment import query_weights, resample_keys
from models.vlm import TeacherForced, VisionTokens

Block = Literal["v2v", "v2t", "t2v", "t2t"]
"""Which tokens look (first letter) at which: `t2v` is how the text's tokens look at the picture's."""


def arrange(attention: torch.Tensor, vis: torch.Tensor, txt: torch.Tensor) -> torch.Tensor:
    """One example's map [H, S, S] in the common order: [H, N + W, N + W], N picture tokens, W text tokens.

    `vis`, `txt` [S] bool. What is neither, such as markers and padding, is left out: padded rows of a
    softmax still sum to 1. Rows keep their raw mass, so they sum to at most 1.
    """
    order = torch.cat([vis.nonzero()[:, 0], txt.nonzero()[:, 0]])
    return attention.float()[:, order][:, :, order]


def block(maps: torch.Tensor, cells: int, which: Block) -> torch.Tensor:
    """One block of arranged maps [..., N + W, N + W] whose first `cells` = N places are the picture's."""
    rows = maps[..., :cells, :] if which[0] == "v" else maps[..., cells:, :]
    return rows[..., :cells] if which[2] == "v" else rows[..., cells:]


def mean_heads(attention: torch.Tensor) -> torch.Tensor:
    """[..., H, Q, K] as [..., Q, K]: rows that summed to 1 still do (HD-mean)."""
    return attention.float().mean(dim=-3)


class Weights(NamedTuple):
    """How their tokens make ours, float32 [ours, theirs] each.

    `queries`: rows sum to 1, or to 0 where none of theirs is at that place. `keys`: columns sum to 1, or
    to 0 where what theirs sees has no place with us.
    """

    queries: torch.Tensor
    keys: torch.Tensor


@lru_cache(maxsize=16)  # asked for with every example of every step
def grid_weights(
    ours: tuple[int, int], theirs: tuple[int, int], ours_mean: bool = False, theirs_mean: bool = False
) -> Weights:
    """Weights between two grids (rows, columns) of the same picture, by shared area.

    A mean token in front of the cells goes with a mean token; without one on the other side it goes
    with nothing. Equal grids give the identity. The tensors are shared: do not write to them.
    """
    with torch.inference_mode(False):  # what was made inside could not be trained with later
        return _grid_weights(ours, theirs, ours_mean, theirs_mean)


def _grid_weights(
    ours: tuple[int, int], theirs: tuple[int, int], ours_mean: bool, theirs_mean: bool
) -> Weights:
    down, across = (_along_one_side(mine, other) for mine, other in zip(ours, theirs, strict=True))
    keys = torch.zeros(ours[0] * ours[1] + ours_mean, theirs[0] * theirs[1] + theirs_mean)
    shares = torch.einsum("ir,jc->ijrc", down, across)
    keys[int(ours_mean) :, int(theirs_mean) :] = shares.flatten(2).flatten(0, 1)
    if ours_mean and theirs_mean:
        keys[0, 0] = 1
    return Weights(keys / keys.sum(dim=1, keepdim=True).clamp(min=1e-9), keys)


def _along_one_side(ours: int, theirs: int) -> torch.Tensor:
    """Share of each of their stretches of a side that lies in each of ours, [ours, theirs]."""
    return resample_keys(torch.eye(theirs)[..., None], ours, 1)[..., 0].T


def text_weights(ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> Weights:
    """Weights between two tokenisations of the same text, by shared characters; spans are (from, to).

    The same spans give the identity, also where several tokens spell one character together.
    """
    if list(ours) == list(theirs):
        return Weights(torch.eye(len(ours)), torch.eye(len(ours)))
    return Weights(query_weights(ours, theirs), query_weights(theirs, ours).T)


def join_weights(picture: Weights, text: Weights) -> Weights:
    """Weights over arranged maps: the picture's tokens, then the text's; neither tells about the other."""
    return Weights(torch.block_diag(picture.queries, text.queries), torch.block_diag(picture.keys, text.keys))


def resample_map(maps: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Their maps [..., Q, K] in our shape, float32 [..., Q', K'].

    `queries` [Q', Q] averages rows, `keys` [K', K] adds columns up: a row's mass stays what it was.
    """
    return queries.to(maps.device) @ maps.float() @ keys.T.to(maps.device)


Spans = Sequence[tuple[int, int]]
"""Characters (from, to) of a question's tokens, in order."""


@dataclass(frozen=True)
class ModelReading:
    """B examples read by one model. The expert's is a constant, whoever made it.

    `forced` is the pass, with attention maps if a term needs them; `tokens` [B, N, D] are the vision tokens
    it was fed, a grid of `grid` (rows, columns) cells, after a mean token where `mean_token` says so; `spans`
    belong to the tokens that `forced.txt` marks; ids mean the same where `vocabulary` is the same.
    """

    forced: TeacherForced
    tokens: torch.Tensor
    grid: tuple[int, int]
    mean_token: bool
    spans: Sequence[Spans]
    vocabulary: str

    def __len__(self) -> int:
        return len(self.forced.vis)

    def arranged(self, layer: int, row: int) -> torch.Tensor:
        """One example's map of one layer in the common order, [H, N + W, N + W] float32."""
        return arrange(self.forced.attentions[layer][row], self.forced.vis[row], self.forced.txt[row])


def reading(
    forced: TeacherForced, vision: VisionTokens, spans: Sequence[Spans], vocabulary: str
) -> ModelReading:
    """What a pass over `vision`, one image for all questions or one each, gives to compare."""
    tokens = vision.for_questions(len(forced.vis))
    return ModelReading(forced, tokens, (vision.rows, vision.cols), vision.mean_token, spans, vocabulary)


def available_needs(student: ModelReading, teacher: ModelReading, autoencoders: bool = False) -> set[Need]:
    """The needs of terms that these two readings meet."""
    checks = {
        Need.LABELS: True,
        Need.LOGITS: teacher.forced.logits.numel() > 0,
        Need.VOCABULARY: student.vocabulary == teacher.vocabulary,
        Need.MAPS: bool(student.forced.attentions and teacher.forced.attentions),
        Need.TOKENS: teacher.tokens.numel() > 0,
        Need.SEQUENCE: torch.equal(student.forced.vis, teacher.forced.vis)
        and torch.equal(student.forced.txt, teacher.forced.txt),
        Need.AUTOENCODER: autoencoders,
    }
    return {need for need, met in checks.items() if met}


def grids(student: ModelReading, teacher: ModelReading) -> Weights:
    """Weights from the expert's picture tokens to the student's."""
    return grid_weights(student.grid, teacher.grid, student.mean_token, teacher.mean_token)


def unknown_tokens(student: ModelReading, teacher: ModelReading) -> int:
    """How many of our first vision tokens theirs says nothing of: 1 for a mean token that only we have.

    They are left out of every comparison: nothing said of them does not mean that nobody looks there.
    """
    return int(student.mean_token and not teacher.mean_token)


def text_to_vision(
    student: ModelReading, teacher: ModelReading, row: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """How one example's words look at the picture in the first layer: ours [H, W, N], theirs [H', W, N].

    Raw mass; theirs is a constant, in our words and cells, its heads as they are; without
    `unknown_tokens`.
    """
    ours, theirs = (block(side.arranged(0, row), side.tokens.shape[1], "t2v") for side in (student, teacher))
    words = text_weights(student.spans[row], teacher.spans[row]).queries
    unknown = unknown_tokens(student, teacher)
    theirs = resample_map(theirs.detach(), words, grids(student, teacher).keys)
    return ours[..., unknown:], theirs[..., unknown:]


def first_layer(
    student: ModelReading, teacher: ModelReading, row: int, which: Block | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """One example's first-layer map, or one block of it: ours [H, Q, K], theirs [H', Q, K].

    As `text_to_vision` in all else; the picture's tokens come first, then the question's.
    """
    text = text_weights(student.spans[row], teacher.spans[row])
    ours, theirs = (side.arranged(0, row) for side in (student, teacher))
    theirs = resample_map(theirs.detach(), *join_weights(grids(student, teacher), text))
    unknown = unknown_tokens(student, teacher)
    maps = [side[:, unknown:, unknown:] for side in (ours, theirs)]
    if which is not None:
        maps = [block(side, student.tokens.shape[1] - unknown, which) for side in maps]
    return maps[0], maps[1]


def whole_maps(
    student: ModelReading, teacher: ModelReading, row: int
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Paired layers of one example, picture and words: ours and theirs in our tokens, [1, P, P] each.

    Heads are averaged first: bringing every head over would cost as many times more. Theirs is a constant.
    """
    text = text_weights(student.spans[row], teacher.spans[row])
    weights = join_weights(grids(student, teacher), text)
    pairs = paired_layers(len(student.forced.attentions), len(teacher.forced.attentions))
    shared = slice(unknown_tokens(student, teacher), None)
    maps = []
    for mine, other in pairs:
        ours = mean_heads(student.arranged(mine, row))
        theirs = resample_map(mean_heads(teacher.arranged(other, row).detach()), *weights)
        maps.append((ours[None, shared, shared], theirs[None, shared, shared]))
    return maps
