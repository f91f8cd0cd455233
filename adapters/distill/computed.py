"""The value of a term by its name, of two readings of the same questions."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch

from adapters.distill import align, align_code, outputs, plain, vision
from adapters.distill.compared import Compared, canonical, needed
from adapters.distill.layout import Block
from adapters.distill.projections import MixedHeads, PointwiseHeads
from adapters.distill.reading import first_layer, grids, text_to_vision, unknown_tokens, whole_maps
from adapters.losses import top_divergence
from models.loss import IGNORED, answer_cross_entropy


def computed(name: str, compared: Compared) -> torch.Tensor:
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


def _cross_entropy(compared: Compared) -> torch.Tensor:
    return answer_cross_entropy(compared.student.forced.logits, compared.student.forced.labels)


def _outputs(compared: Compared, reverse: bool) -> torch.Tensor:
    ours, theirs = compared.student.forced, compared.teacher
    if theirs.likeliest is not None:
        return top_divergence(ours.logits, *theirs.likeliest, ours.labels != IGNORED, reverse)
    divergence = outputs.reverse_divergence if reverse else outputs.forward_divergence
    return divergence(ours.logits, theirs.forced.logits, ours.labels)


def _code_outputs(compared: Compared) -> torch.Tensor:
    return align_code.code_outputs(compared.student.forced.logits, compared.teacher.forced.logits)


def _whole(compared: Compared, distance: Callable[..., torch.Tensor]) -> torch.Tensor:
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
    compared: Compared,
    distance: Callable[[align.Maps, align.Maps], torch.Tensor],
    heads: MixedHeads | PointwiseHeads | None,
) -> torch.Tensor:
    """A distance between first-layer text-to-vision maps, the expert's through learned heads."""
    through = needed(heads, "heads")
    pairs = [text_to_vision(compared.student, compared.teacher, row) for row in range(len(compared.student))]
    return distance([ours for ours, _ in pairs], [through(theirs) for _, theirs in pairs])


def _first_layer(compared: Compared, which: Block | None) -> torch.Tensor:
    """The same squared difference over another block of the first layer's map, or over all of it."""
    through = needed(compared.bridge.pointwise, "heads")
    rows = range(len(compared.student))
    pairs = [first_layer(compared.student, compared.teacher, row, which) for row in rows]
    return align.literal_distance([ours for ours, _ in pairs], [through(theirs) for _, theirs in pairs])


def _code_attention(compared: Compared) -> torch.Tensor:
    theirs = needed(compared.bridge.pointwise, "heads")(compared.teacher.forced.attentions[0])
    ours = compared.student.forced.attentions[0]
    return align_code.code_attention(ours, theirs, compared.student.tokens.shape[1])


def _tokens(compared: Compared) -> torch.Tensor:
    """The expert's vision tokens in the student's width and grid, [B, N, D]; 0 where it has none."""
    wide = needed(compared.bridge.width, "vision tokens")(compared.teacher.tokens)
    brought: torch.Tensor = grids(compared.student, compared.teacher).queries.to(wide.device) @ wide
    return brought


def _all_tokens(compared: Compared) -> torch.Tensor:
    unknown = unknown_tokens(compared.student, compared.teacher)
    return vision.all_tokens(compared.student.tokens[:, unknown:], _tokens(compared)[:, unknown:])


def _focus(compared: Compared) -> torch.Tensor:
    ours, rows = compared.student.tokens, range(len(compared.student))
    looks = [text_to_vision(compared.student, compared.teacher, row)[1] for row in rows]
    unknown = unknown_tokens(compared.student, compared.teacher)
    size = vision.focus_size(ours.shape[1] - unknown)
    places = torch.cat([vision.focus(one[None], size) for one in looks]) + unknown
    return vision.focused_tokens(ours, _tokens(compared), places)


def _code_focus(compared: Compared) -> torch.Tensor:
    cells = compared.student.tokens.shape[1]
    theirs = compared.teacher.forced.attentions[0]
    places = align_code.code_focus(theirs, cells, vision.focus_size(cells))
    return vision.focused_tokens(compared.student.tokens, _tokens(compared), places)


_LOSSES: Mapping[str, Callable[[Compared], torch.Tensor]] = MappingProxyType({
    "ce": _cross_entropy,
    "kd_fkl": lambda c: _outputs(c, reverse=False),
    "kd_rkl": lambda c: _outputs(c, reverse=True),
    "kd_code": _code_outputs,
    "attn_plain(a)": lambda c: _whole(c, _last_layer),
    "attn_plain(b)": lambda c: _whole(c, plain.paired_layers_divergence),
    "attn_plain(c)": lambda c: _outputs(c, reverse=False),
    "t2v_mse": lambda c: _looks(c, align.literal_distance, c.bridge.pointwise),
    "t2v_density": lambda c: _looks(c, align.density_distance, c.bridge.mixed),
    "t2v_kl": lambda c: _looks(c, align.divergence, c.bridge.mixed),
    "v2v_mse": lambda c: _first_layer(c, "v2v"),
    "t2t_mse": lambda c: _first_layer(c, "t2t"),
    "full_mse": lambda c: _first_layer(c, None),
    "t2v_code": _code_attention,
    "v_all": _all_tokens,
    "v_focus": _focus,
    "v_focus_code": _code_focus,
})
