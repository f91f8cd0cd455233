"""Two models' readings of the same questions side by side: the value of a term by its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import torch

from adapters.training.codes import heat_maps, paired_layers
from bench.studies.distill import align, plain, reading
from bench.studies.distill.bridge import Bridge, MixedHeads, PointwiseHeads
from bench.studies.distill.reading import Block, ModelReading
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
    """The loss of fitted autoencoders over canonical maps; see `transfer_loss`."""
    return lambda ours, theirs: transfer_loss(transfer, ours, transfer.teacher_code(theirs))


def canonical(source: ModelReading, pair: ReadingPair, rolled: bool = False) -> torch.Tensor:
    """Canonical maps of either reading, a channel for each of the student's layers: [B, K, rows, cols]."""
    layers = list(source.forced.attentions)
    layers = rollouts(layers) if rolled else layers
    pairs = paired_layers(len(pair.student.forced.attentions), len(layers))
    paired = [layers[other] for _, other in pairs]
    forced = source.forced
    return heat_maps(paired, forced.vis, forced.txt, source.grid, source.mean_token, pair.sides)


def compute_term(name: str, pair: ReadingPair) -> torch.Tensor:
    """The value of one term, a float32 scalar. Raises ValueError for a name that is none of the registry's.

    Terms of autoencoders raise KeyError when theirs is not among `codes`.
    """
    if name in _LOSSES:
        return _LOSSES[name](pair)
    if not name.startswith("attn_"):
        raise ValueError(f"there is no term {name}")
    rolled = name == "attn_rollout"
    theirs = canonical(pair.teacher, pair, rolled).detach()
    return pair.codes[name](canonical(pair.student, pair, rolled), theirs)


def _outputs(pair: ReadingPair, reverse: bool) -> torch.Tensor:
    ours, theirs = pair.student.forced, pair.teacher.forced
    divergence = plain.reverse_divergence if reverse else plain.forward_divergence
    return divergence(ours.logits, theirs.logits, ours.labels)


def _whole(pair: ReadingPair, distance: Callable[..., torch.Tensor]) -> torch.Tensor:
    """The mean over examples of a distance between whole maps, paired layer by layer."""
    distances = []
    for row in range(len(pair.student)):
        ours, theirs = zip(*reading.whole_maps(pair.student, pair.teacher, row), strict=True)
        distances.append(distance(ours, theirs))
    return torch.stack(distances).mean()


def _last_layer(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor]) -> torch.Tensor:
    informative = theirs[-1].sum(dim=(0, 2)) > 0  # no row where they have no such token
    return plain.last_layer_distance(ours, theirs, informative)


def _text_to_vision(
    pair: ReadingPair,
    distance: Callable[[align.Maps, align.Maps], torch.Tensor],
    heads: MixedHeads | PointwiseHeads | None,
) -> torch.Tensor:
    """A distance between first-layer text-to-vision maps, the expert's through learned heads."""
    through = _require(heads, "heads")
    rows = range(len(pair.student))
    pairs = [reading.text_to_vision(pair.student, pair.teacher, row) for row in rows]
    return distance([ours for ours, _ in pairs], [through(theirs) for _, theirs in pairs])


def _first_layer(pair: ReadingPair, which: Block | None) -> torch.Tensor:
    """The same squared difference over another block of the first layer's map, or over all of it."""
    through = _require(pair.bridge.pointwise, "heads")
    rows = range(len(pair.student))
    pairs = [reading.first_layer(pair.student, pair.teacher, row, which) for row in rows]
    return align.literal_distance([ours for ours, _ in pairs], [through(theirs) for _, theirs in pairs])


def _code_attention(pair: ReadingPair) -> torch.Tensor:
    theirs = _require(pair.bridge.pointwise, "heads")(pair.teacher.forced.attentions[0])
    ours = pair.student.forced.attentions[0]
    return align.code_attention(ours, theirs, pair.student.tokens.shape[1])


def _tokens(pair: ReadingPair) -> torch.Tensor:
    """The expert's vision tokens in the student's width and grid, [B, N, D]; 0 where it has none."""
    wide = _require(pair.bridge.width, "vision tokens")(pair.teacher.tokens)
    tokens: torch.Tensor = reading.grids(pair.student, pair.teacher).queries.to(wide.device) @ wide
    return tokens


def _all_tokens(pair: ReadingPair) -> torch.Tensor:
    unknown = reading.unknown_tokens(pair.student, pair.teacher)
    return align.all_tokens(pair.student.tokens[:, unknown:], _tokens(pair)[:, unknown:])


def _focus(pair: ReadingPair) -> torch.Tensor:
    ours, rows = pair.student.tokens, range(len(pair.student))
    maps = [reading.text_to_vision(pair.student, pair.teacher, row)[1] for row in rows]
    unknown = reading.unknown_tokens(pair.student, pair.teacher)
    size = focus_size(ours.shape[1] - unknown)
    places = torch.cat([focus(attention[None], size) for attention in maps]) + unknown
    return align.focused_tokens(ours, _tokens(pair), places)


def _code_focus(pair: ReadingPair) -> torch.Tensor:
    cells = pair.student.tokens.shape[1]
    theirs = pair.teacher.forced.attentions[0]
    places = align.code_focus(theirs, cells, focus_size(cells))
    return align.focused_tokens(pair.student.tokens, _tokens(pair), places)


def _require(part: Part | None, what: str) -> Part:
    """The part, or ValueError that a projection of `what` is missing."""
    if part is None:
        raise ValueError(f"this term needs a learned projection of {what}")
    return part


_LOSSES: Mapping[str, Callable[[ReadingPair], torch.Tensor]] = MappingProxyType({
    "ce": lambda c: answer_cross_entropy(c.student.forced.logits, c.student.forced.labels),
    "kd_fkl": lambda c: _outputs(c, reverse=False),
    "kd_rkl": lambda c: _outputs(c, reverse=True),
    "kd_code": lambda c: align.code_outputs(c.student.forced.logits, c.teacher.forced.logits),
    "attn_plain(a)": lambda c: _whole(c, _last_layer),
    "attn_plain(b)": lambda c: _whole(c, plain.paired_layers_divergence),
    "attn_plain(c)": lambda c: _outputs(c, reverse=False),
    "t2v_mse": lambda c: _text_to_vision(c, align.literal_distance, c.bridge.pointwise),
    "t2v_kl": lambda c: _text_to_vision(c, align.divergence, c.bridge.mixed),
    "v2v_mse": lambda c: _first_layer(c, "v2v"),
    "t2t_mse": lambda c: _first_layer(c, "t2t"),
    "full_mse": lambda c: _first_layer(c, None),
    "t2v_code": _code_attention,
    "v_all": _all_tokens,
    "v_focus": _focus,
    "v_focus_code": _code_focus,
})
