"""What one model's pass over some questions gives to compare with another's."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from adapters.training.codes import paired_layers
from bench.studies.distill.layout import Block, arranged, block, mean_heads
from bench.studies.distill.terms import Need
from bench.studies.distill.tokens import Weights, carried, grid_weights, joined, text_weights
from models.vlm import TeacherForced, VisionTokens

Spans = Sequence[tuple[int, int]]
"""Characters (from, to) of a question's tokens, in order."""


@dataclass(frozen=True)
class Reading:
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
        return arranged(self.forced.attentions[layer][row], self.forced.vis[row], self.forced.txt[row])


def reading(forced: TeacherForced, vision: VisionTokens, spans: Sequence[Spans], vocabulary: str) -> Reading:
    """What a pass over `vision`, one image for all questions or one each, gives to compare."""
    tokens = vision.for_questions(len(forced.vis))
    return Reading(forced, tokens, (vision.rows, vision.cols), vision.mean_token, spans, vocabulary)


def offered(student: Reading, teacher: Reading, autoencoders: bool = False) -> set[Need]:
    """What these two readings give terms to work with."""
    given = {
        Need.LABELS: True,
        Need.LOGITS: teacher.forced.logits.numel() > 0,
        Need.VOCABULARY: student.vocabulary == teacher.vocabulary,
        Need.MAPS: bool(student.forced.attentions and teacher.forced.attentions),
        Need.TOKENS: teacher.tokens.numel() > 0,
        Need.SEQUENCE: _same_sequence(student.forced, teacher.forced),
        Need.AUTOENCODER: autoencoders,
    }
    return {need for need, there in given.items() if there}


def _same_sequence(ours: TeacherForced, theirs: TeacherForced) -> bool:
    return torch.equal(ours.vis, theirs.vis) and torch.equal(ours.txt, theirs.txt)


def grids(student: Reading, teacher: Reading) -> Weights:
    """Weights from the expert's picture tokens to the student's."""
    return grid_weights(student.grid, teacher.grid, student.mean_token, teacher.mean_token)


def unknown_tokens(student: Reading, teacher: Reading) -> int:
    """How many of our first vision tokens theirs says nothing of: 1 for a mean token that only we have.

    They are left out of every comparison: that they are not told of does not mean nobody looks there.
    """
    return int(student.mean_token and not teacher.mean_token)


def text_to_vision(student: Reading, teacher: Reading, row: int) -> tuple[torch.Tensor, torch.Tensor]:
    """How one example's words look at the picture in the first layer: ours [H, W, N], theirs [H', W, N].

    Raw mass; theirs is a constant, in our words and cells, its heads as they are; without
    `unknown_tokens`.
    """
    ours, theirs = (block(one.arranged(0, row), one.tokens.shape[1], "t2v") for one in (student, teacher))
    words = text_weights(student.spans[row], teacher.spans[row]).queries
    unknown = unknown_tokens(student, teacher)
    brought = carried(theirs.detach(), words, grids(student, teacher).keys)
    return ours[..., unknown:], brought[..., unknown:]


def first_layer(
    student: Reading, teacher: Reading, row: int, which: Block | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """One example's first-layer map, or one block of it: ours [H, Q, K], theirs [H', Q, K].

    As `text_to_vision` in all else; the picture's tokens come first, then the question's.
    """
    text = text_weights(student.spans[row], teacher.spans[row])
    ours, theirs = (one.arranged(0, row) for one in (student, teacher))
    brought = carried(theirs.detach(), *joined(grids(student, teacher), text))
    unknown = unknown_tokens(student, teacher)
    both = [one[:, unknown:, unknown:] for one in (ours, brought)]
    if which is not None:
        both = [block(one, student.tokens.shape[1] - unknown, which) for one in both]
    return both[0], both[1]


def whole_maps(student: Reading, teacher: Reading, row: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Paired layers of one example, picture and words: ours and theirs in our tokens, [1, P, P] each.

    Heads are averaged first: bringing every head over would cost as many times more. Theirs is a constant.
    """
    text = text_weights(student.spans[row], teacher.spans[row])
    weights = joined(grids(student, teacher), text)
    pairs = paired_layers(len(student.forced.attentions), len(teacher.forced.attentions))
    known = slice(unknown_tokens(student, teacher), None)
    found = []
    for mine, other in pairs:
        ours = mean_heads(student.arranged(mine, row))
        theirs = carried(mean_heads(teacher.arranged(other, row).detach()), *weights)
        found.append((ours[None, known, known], theirs[None, known, known]))
    return found
