"""The published methods as data: which terms count how much."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.distill.schedule import Weight

Preset = Mapping[str, Weight]
"""Weights by the names of `adapters.distill.registry`; what is not named is off."""

_PRESETS: dict[str, dict[str, Weight]] = {
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
