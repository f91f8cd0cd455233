"""`roomwise study align-kd`: Align-KD's ablations (CVPR 2025), few-shot on rooms.

The student's tower is frozen and LoRA sits in the language model and, since vision terms would have nothing
to teach otherwise, in the projector; so it does in every row. Blocks are those of the first layer's map.
The released code looks at picture rows and text columns, which is nothing in a causal model; Florence-2's
encoder sees both ways, so here it pulls a little, and the length of its gradient is told.
"""

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

from bench.studies.few_shot.claims import PublishedClaim, Sign
from bench.studies.few_shot.command import Study, command
from bench.studies.few_shot.methods import ALIGN_KD

SOURCE = "Align-KD, CVPR 2025: MobileVLM-V2 1.7B from 7B, mean of six benchmarks, short data"
ALIGN_KD_SCORES: Mapping[str, float] = MappingProxyType({
    "ce": 62.4,
    "+ kd_rkl": 63.0,
    "+ t2v_mse": 63.6,
    "+ v_all": 63.8,  # the labels of these rows are lost; their order is inferred
    "align-kd": 64.4,
    "block v2v": 43.7,
    "block t2t": 63.2,
    "block full": 63.5,
})

_ABOUT = """Do Align-KD's ablations again, few-shot on rendered rooms: paper, released code, and ours.

Example: roomwise study align-kd --rooms 50 --seeds 3 --picture align-kd.svg
"""
_LADDER = ("ce", "+ kd_rkl", "+ t2v_mse", "+ v_all", "align-kd")
_BLOCKS = ("block v2v", "block t2t", "block full")


def _claim(first: str, second: str, expected: Sign = "above") -> PublishedClaim:
    """In the paper's own points, which are no exact match; only the sign can be compared."""
    published = round(ALIGN_KD_SCORES[first] - ALIGN_KD_SCORES[second], 1)
    return PublishedClaim(first, second, expected, published=published)


CLAIMS = (
    *(_claim(after, before) for before, after in pairwise(_LADDER)),
    _claim("align-kd", "ce"),
    *(_claim(block, "align-kd", "below") for block in _BLOCKS),
    PublishedClaim("align", "align-kd", "above"),
)
STUDY = Study("align-kd", _ABOUT, ALIGN_KD, "ce", ALIGN_KD_SCORES, "mean of six benchmarks", SOURCE, CLAIMS)

app = command(STUDY)
