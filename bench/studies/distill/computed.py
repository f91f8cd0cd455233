"""Two models' readings of the same questions side by side: the value of a term by its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import torch

from adapters.training.codes import heat_maps, paired_layers
from bench.studies.distill import align, outputs, plain
from bench.studies.distill.bridge import Bridge, MixedHeads, PointwiseHeads
from bench.studies.distill.reading import (
    Block,
    ModelReading,
    first_layer,
    grids,
    text_to_vision,
    unknown_tokens,
    whole_maps,
)
from bench.studies.distill.transfer import Transfer, transfer_loss
from models.inside.attention import rollouts
from models.loss import answer_cross_entropy
from models.signal import focus, focus_size

Part = TypeVar("Part")
CodeLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From canonical maps of the student and of the expert, [B, K, rows, cols] each, to a scalar."""


@dataclass(frozen=True)
class ReadingPair:
    """Two readings, what is learned between them, and the losses of autoencoders by their terms' names.

    `sides` is the grid (rows, columns) of canonical maps.
    """

    student: ModelReading
    teacher: ModelReading
    bridge: Bridge = field(default_factory=Bridge)
    codes: Mapping[str, CodeLoss] = field(default_factory=dict)
    sides: tuple[int, int] = (24, 24)


def code_loss(transfer: Transfer) -> CodeLoss:
    """What fitted autoencoders hold against the student's canonical maps; see `transfer_loss`."""
    return lambda ours, theirs: transfer_loss(transfer, ours, transfer.teacher_code(theirs))


def canonical(one: ModelReading, compared: ReadingPair, rolled: bool = False) -> torch.Tensor:
    """Canonical maps of either reading, a channel for each of the student's layers: [B, K, rows, cols]."""
    layers = list(one.forced.attentions)
    layers = rollouts(layers) if rolled else layers
    pairs = paired_layers(len(compared.student.forced.attentions), len(layers))
    chosen = [layers[other] for _, other in pairs]
    return heat_maps(chosen, one.forced.vis, one.forced.txt, one.grid, one.mean_token, compared.sides)


def computed(name: str, compared: ReadingPair) -> torch.Tensor:
    """The value of one term, a float32 scalar. Raises ValueError for a name that is none of the registry's.

    Terms of autoencoders raise KeyError when theirs is not among `codes`.
    """
    if name in _LOSSES:
        return _LOSSES[name](compared)
    if not name.startswith("attn_"):
        raise ValueError(f"there is no term {name}")
    rolled = name == "attn_rollout"
    theirs = canonical(compared.teacher, compared, rolled).detach()
    return compared.codes[name](canonical(compared.student, compared, rolled), theirs)


def _cross_entropy(compared: ReadingPair) -> torch.Tensor:
    return answer_cross_entropy(compared.student.forced.logits, compared.student.forced.labels)


def _outputs(compared: ReadingPair, reverse: bool) -> torch.Tensor:
    ours, theirs = compared.student.forced, compared.teacher.forced
    divergence = outputs.reverse_divergence if reverse else outputs.forward_divergence
    return divergence(ours.logits, theirs.logits, ours.labels)


def _code_outputs(compared: ReadingPair) -> torch.Tensor:
    return align.code_outputs(compared.student.forced.logits, compared.teacher.forced.logits)


def _whole(compared: ReadingPair, distance: Callable[..., torch.Tensor]) -> torch.Tensor:
    """The mean over examples of a distance between whole maps, paired layer by layer."""
    found = []
    for row in range(len(compared.student)):
        ours, theirs = zip(*whole_maps(compared.student, compared.teacher, row), strict=True)
        found.append(distance(ours, theirs))
    return torch.stack(found).mean()


def _last_layer(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    told = theirs[-1].sum(dim=(0, 2)) > 0  # no row where they have no such token
    return plain.last_layer_distance(ours, theirs, told)


def _looks(
    compared: ReadingPair,
    distance: Callable[[align.Maps, align.Maps], torch.Tensor],
    heads: MixedHeads | PointwiseHeads | None,
) -> torch.Tensor:
    """A distance between first-layer text-to-vision maps, the expert's through learned heads."""
    through = _needed(heads, "heads")
    pairs = [text_to_vision(compared.student, compared.teacher, row) for row in range(len(compared.student))]
    return distance([ours for ours, _ in pairs], [through(theirs) for _, theirs in pairs])


def _first_layer(compared: ReadingPair, which: Block | None) -> torch.Tensor:
    """The same squared difference over another block of the first layer's map, or over all of it."""
    through = _needed(compared.bridge.pointwise, "heads")
    rows = range(len(compared.student))
    pairs = [first_layer(compared.student, compared.teacher, row, which) for row in rows]
    return align.literal_distance([ours for ours, _ in pairs], [through(theirs) for _, theirs in pairs])


def _code_attention(compared: ReadingPair) -> torch.Tensor:
    theirs = _needed(compared.bridge.pointwise, "heads")(compared.teacher.forced.attentions[0])
    ours = compared.student.forced.attentions[0]
    return align.code_attention(ours, theirs, compared.student.tokens.shape[1])


def _tokens(compared: ReadingPair) -> torch.Tensor:
    """The expert's vision tokens in the student's width and grid, [B, N, D]; 0 where it has none."""
    wide = _needed(compared.bridge.width, "vision tokens")(compared.teacher.tokens)
    brought: torch.Tensor = grids(compared.student, compared.teacher).queries.to(wide.device) @ wide
    return brought


def _all_tokens(compared: ReadingPair) -> torch.Tensor:
    unknown = unknown_tokens(compared.student, compared.teacher)
    return align.all_tokens(compared.student.tokens[:, unknown:], _tokens(compared)[:, unknown:])


def _focus(compared: ReadingPair) -> torch.Tensor:
    ours, rows = compared.student.tokens, range(len(compared.student))
    looks = [text_to_vision(compared.student, compared.teacher, row)[1] for row in rows]
    unknown = unknown_tokens(compared.student, compared.teacher)
    size = focus_size(ours.shape[1] - unknown)
    places = torch.cat([focus(attention[None], size) for attention in looks]) + unknown
    return align.focused_tokens(ours, _tokens(compared), places)


def _code_focus(compared: ReadingPair) -> torch.Tensor:
    cells = compared.student.tokens.shape[1]
    theirs = compared.teacher.forced.attentions[0]
    places = align.code_focus(theirs, cells, focus_size(cells))
    return align.focused_tokens(compared.student.tokens, _tokens(compared), places)


def _needed(part: Part | None, what: str) -> Part:
    """The part, or ValueError that a projection of `what` is missing."""
    if part is None:
        raise ValueError(f"this term needs a learned projection of {what}")
    return part


_LOSSES: Mapping[str, Callable[[ReadingPair], torch.Tensor]] = MappingProxyType({
    "ce": _cross_entropy,
    "kd_fkl": lambda c: _outputs(c, reverse=False),
    "kd_rkl": lambda c: _outputs(c, reverse=True),
    "kd_code": _code_outputs,
    "attn_plain(a)": lambda c: _whole(c, _last_layer),
    "attn_plain(b)": lambda c: _whole(c, plain.paired_layers_divergence),
    "attn_plain(c)": lambda c: _outputs(c, reverse=False),
    "t2v_mse": lambda c: _looks(c, align.literal_distance, c.bridge.pointwise),
    "t2v_kl": lambda c: _looks(c, align.divergence, c.bridge.mixed),
    "v2v_mse": lambda c: _first_layer(c, "v2v"),
    "t2t_mse": lambda c: _first_layer(c, "t2t"),
    "full_mse": lambda c: _first_layer(c, None),
    "t2v_code": _code_attention,
    "v_all": _all_tokens,
    "v_focus": _focus,
    "v_focus_code": _code_focus,
})
