"""Every term of a distillation loss by its name and what it needs; the published methods as data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Literal


class Need(str, Enum):
    """What a term reads, beyond the student's own pass; a value is how it is called on screen."""

    LABELS = "labels"
    LOGITS = "the expert's logits"
    VOCABULARY = "the same vocabulary"
    MAPS = "attention maps"
    TOKENS = "vision tokens"
    SEQUENCE = "sequences of the same tokens in the same places"
    AUTOENCODER = "autoencoders of maps"


Part = Literal["mixed", "pointwise", "width"]
"""What may be learned beside the student: the parts of `bench.studies.distill.bridge.Bridge`."""


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
    "t2v_mse": _term(Need.MAPS, through="pointwise"),
    "t2v_kl": _term(Need.MAPS, through="mixed"),
    # Other blocks of the same map, for the paper's ablation.
    "v2v_mse": _term(Need.MAPS, through="pointwise"),
    "t2t_mse": _term(Need.MAPS, through="pointwise"),
    "full_mse": _term(Need.MAPS, through="pointwise"),
    "v_all": _term(Need.TOKENS, through="width"),
    "v_focus": _term(Need.TOKENS, Need.MAPS, through="width"),
    # As released, mistakes included.
    "kd_code": _term(Need.LOGITS, Need.VOCABULARY),
    "t2v_code": _term(Need.MAPS, Need.SEQUENCE, through="pointwise"),
    "v_focus_code": _term(Need.TOKENS, Need.MAPS, through="width"),
})
"""The terms' names are fixed: presets, tables and kept results say them."""

Preset = Mapping[str, float]
"""Weights of terms by their names; what is not named is off."""

_PRESETS: dict[str, dict[str, float]] = {
    # The slides of 28-05-2025, "Study 3"; weights as there.
    "sf0": {},  # the student untouched
    "sf1": {"ce": 1.0},
    "sf2": {"ce": 1.0, "attn_ae(literal)": 1.0},
    "sf3": {"attn_ae(literal)": 1.0},
    # "Traditional attention distillation on final outputs" may mean any of three; no weight is given.
    "sf4": {"ce": 1.0, "attn_plain(a)": 1.0},
    "sf4a": {"ce": 1.0, "attn_plain(a)": 1.0},
    "sf4b": {"ce": 1.0, "attn_plain(b)": 1.0},
    "sf4c": {"ce": 1.0, "attn_plain(c)": 1.0},
    "sf5": {"ce": 1.0, "attn_rollout": 0.1},
    "sf6": {"ce": 1.0, "attn_ae(literal)": 0.1},
    "sf7": {"ce": 1.0, "attn_vae": 0.1},
    # Align-KD, CVPR 2025, arXiv 2412.01282: as the paper means it, as released, and as we recommend it.
    "align-kd": {"ce": 1.0, "kd_rkl": 1.0, "t2v_mse": 1.0, "v_all": 1.0, "v_focus": 0.1},
    "align-kd-code": {"ce": 1.0, "kd_code": 1.0, "t2v_code": 1.0, "v_all": 1.0, "v_focus_code": 1.0},
    "align": {"ce": 1.0, "kd_fkl": 1.0, "t2v_kl": 0.5, "v_all": 1.0, "v_focus": 0.1},
}
PRESETS: Mapping[str, Preset] = MappingProxyType({
    name: MappingProxyType(weights) for name, weights in _PRESETS.items()
})

RANDOM_PROJECTIONS = frozenset({"align-kd-code"})
"""Presets whose projections stay as they were drawn, because the released code forgets to train them."""


def missing_needs(names: Collection[str], has: Collection[Need]) -> dict[str, list[Need]]:
    """What each of these terms lacks, as far as it lacks anything. Raises ValueError for an unknown name."""
    unknown = sorted(set(names) - set(TERMS))
    if unknown:
        raise ValueError(f"there is no term {', '.join(unknown)}; there are {', '.join(TERMS)}")
    lacks = {name: [need for need in Need if need in TERMS[name].needs and need not in has] for name in names}
    return {name: needs for name, needs in lacks.items() if needs}
