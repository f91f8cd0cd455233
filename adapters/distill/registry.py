"""Every term of a distillation loss by its name, and what it needs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Literal


class Need(str, Enum):
    """What a term reads, beyond the student's own pass; a value is how it is called on screen."""

    LABELS = "labels"
    LOGITS = "the expert's logits or its likeliest tokens"
    EVERY_LOGIT = "all of the expert's logits"
    VOCABULARY = "the same vocabulary"
    MAPS = "attention maps of all layers"
    FIRST_MAPS = "attention maps of the first layer"
    TOKENS = "vision tokens"
    SEQUENCE = "sequences of the same tokens in the same places"
    AUTOENCODER = "autoencoders of maps"


Part = Literal["mixed", "pointwise", "width"]
"""What may be learned beside the student: the parts of `adapters.distill.compared.Bridge`."""


@dataclass(frozen=True)
class Term:
    """What a term reads, and through which learned part the expert's side goes, if any."""

    needs: frozenset[Need]
    through: Part | None = None


def _term(*needs: Need, through: Part | None = None) -> Term:
    return Term(frozenset(needs), through)


_OUTPUTS = (Need.LABELS, Need.LOGITS, Need.VOCABULARY)
_CODES = (Need.MAPS, Need.AUTOENCODER)

TERMS: Mapping[str, Term] = MappingProxyType({
    "ce": _term(Need.LABELS),
    "kd_fkl": _term(*_OUTPUTS),
    "kd_rkl": _term(*_OUTPUTS),
    "attn_ae(literal)": _term(*_CODES),
    "attn_ae(shared)": _term(*_CODES),
    "attn_ae(joint)": _term(*_CODES),
    "attn_ae(map)": _term(*_CODES),
    "attn_vae": _term(*_CODES),
    "attn_rollout": _term(*_CODES),
    "attn_plain(a)": _term(Need.MAPS),
    "attn_plain(b)": _term(Need.MAPS),
    "attn_plain(c)": _term(*_OUTPUTS),
    "t2v_mse": _term(Need.FIRST_MAPS, through="pointwise"),
    "t2v_density": _term(Need.FIRST_MAPS, through="mixed"),
    "t2v_kl": _term(Need.FIRST_MAPS, through="mixed"),
    # Other blocks of the same map, for the paper's ablation.
    "v2v_mse": _term(Need.MAPS, through="pointwise"),
    "t2t_mse": _term(Need.MAPS, through="pointwise"),
    "full_mse": _term(Need.MAPS, through="pointwise"),
    "v_all": _term(Need.TOKENS, through="width"),
    "v_focus": _term(Need.TOKENS, Need.FIRST_MAPS, through="width"),
    # As released, mistakes included.
    "kd_code": _term(Need.EVERY_LOGIT, Need.VOCABULARY),
    "t2v_code": _term(Need.FIRST_MAPS, Need.SEQUENCE, through="pointwise"),
    "v_focus_code": _term(Need.TOKENS, Need.FIRST_MAPS, through="width"),
})
"""The terms' names are fixed: presets, tables and saved adapters say them."""


def lacking(names: Collection[str], has: Collection[Need]) -> dict[str, list[Need]]:
    """For each of these terms that cannot be computed, what it lacks of what there is.

    Raises ValueError for a name that is none.
    """
    unknown = sorted(set(names) - set(TERMS))
    if unknown:
        raise ValueError(f"there is no term {', '.join(unknown)}; there are {', '.join(TERMS)}")
    found = {name: [need for need in Need if need in TERMS[name].needs and need not in has] for name in names}
    return {name: needs for name, needs in found.items() if needs}
