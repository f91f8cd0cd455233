"""What one model's pass over some questions gives to compare with another's."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from adapters.distill.heads import mean_heads
from adapters.distill.layers import paired_layers
from adapters.distill.layout import arranged, block
from adapters.distill.registry import Need
from adapters.distill.tokens import Weights, carried, grid_weights, joined, text_weights
from models.vlm import TeacherForced, VisionTokens

Spans = Sequence[tuple[int, int]]
"""Characters (from, to) of a question's tokens, in order."""


@dataclass(frozen=True)
class Reading:
    """B examples read by one model. The expert's is a constant, whoever made it.

    `forced` is the pass, with attention maps if a term needs them; `tokens` [B, N, D] are the vision tokens
    it was fed, a grid of `grid` (rows, columns) cells, after a mean token where `mean_token` says so; `spans`
    belong to the tokens that `forced.txt` marks; ids mean the same where `vocabulary` is the same.
    `likeliest`, ids and log-probabilities [B, T, k], may stand in for an expert's logits.
    """

    forced: TeacherForced
    tokens: torch.Tensor
    grid: tuple[int, int]
    mean_token: bool
    spans: Sequence[Spans]
    vocabulary: str
    likeliest: tuple[torch.Tensor, torch.Tensor] | None = None

    def __len__(self) -> int:
        return len(self.forced.vis)

    def arranged(self, layer: int, row: int) -> torch.Tensor:
        """One example's map of one layer in the common order, [H, N + W, N + W] float32."""
        return arranged(self.forced.attentions[layer][row], self.forced.vis[row], self.forced.txt[row])


def reading(forced: TeacherForced, vision: VisionTokens, spans: Sequence[Spans], vocabulary: str) -> Reading:
    """What a pass over `vision`, one image for all questions or one each, gives to compare."""
    tokens = vision.for_questions(len(forced.vis))
    return Reading(forced, tokens, (vision.rows, vision.cols), vision.mean_token, spans, vocabulary)


def offered(student: Reading, teacher: Reading, autoencoders: bool = False) -> set[Need]:
    """What these two readings give terms to work with."""
    has = {Need.LABELS, Need.LOGITS, Need.TOKENS}
    if teacher.likeliest is None:
        has.add(Need.EVERY_LOGIT)
    if student.vocabulary == teacher.vocabulary:
        has.add(Need.VOCABULARY)
    if student.forced.attentions and teacher.forced.attentions:
        has.update({Need.MAPS, Need.FIRST_MAPS})
    return has | {Need.AUTOENCODER} if autoencoders else has


def grids(student: Reading, teacher: Reading) -> Weights:
    """Weights from the expert's picture tokens to the student's."""
    return grid_weights(student.grid, teacher.grid, student.mean_token, teacher.mean_token)


def text_to_vision(student: Reading, teacher: Reading, row: int) -> tuple[torch.Tensor, torch.Tensor]:
    """How one example's words look at the picture in the first layer: ours [H, W, N], theirs [H', W, N].

    Raw mass; theirs is a constant, in our words and cells, its heads as they are.
    """
    ours, theirs = (block(one.arranged(0, row), one.tokens.shape[1], "t2v") for one in (student, teacher))
    words = text_weights(student.spans[row], teacher.spans[row]).queries
    return ours, carried(theirs.detach(), words, grids(student, teacher).keys)


def whole_maps(student: Reading, teacher: Reading, row: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Paired layers of one example, picture and words: ours and theirs in our tokens, [1, P, P] each.

    Heads are averaged first: bringing every head over would cost as many times more. Theirs is a constant.
    """
    text = text_weights(student.spans[row], teacher.spans[row])
    weights = joined(grids(student, teacher), text)
    pairs = paired_layers(len(student.forced.attentions), len(teacher.forced.attentions))
    return [
        (
            mean_heads(student.arranged(mine, row))[None],
            carried(mean_heads(teacher.arranged(other, row).detach())[None], *weights),
        )
        for mine, other in pairs
    ]
