"""`roomwise study sf`: the slides' attention distillation, SF0 to SF7, few-shot on rooms, beside ours.

The expert answers the first ten questions of each room itself; every method learns those answers and answers
the last ten alone, without memory. The published methods are plain fine-tuning with LoRA, all pairs in every
step, plus their terms; `FewShotCourse` says how their steps and rate were chosen.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bench.studies.few_shot.claims import PublishedClaim
from bench.studies.few_shot.command import Study, command
from bench.studies.few_shot.methods import SF

SLIDES = "slides of 28-05-2025, Study 3: Florence-2-base from large, DocVQA, Levenshtein similarity"
SLIDES_SCORES: Mapping[str, float] = MappingProxyType({
    "sf0": 0.1642,
    "sf1": 0.3727,
    "sf2": 0.3633,
    "sf3": 0.1618,
    "sf5": 0.3710,
    "sf6": 0.3703,  # after 9 epochs, the others after 10
})
"""SF4 and SF7 are named there and were not measured. No seeds, intervals or sample sizes are given."""

_ABOUT = """Do the slides' study SF0 to SF7 again, few-shot on rendered rooms, beside Align-KD and ours.

Example: roomwise study sf --rooms 50 --seeds 3

Example: roomwise study sf --student ./student --expert ./expert --picture sf.svg
"""


def _published(first: str, second: str) -> float:
    return round(SLIDES_SCORES[first] - SLIDES_SCORES[second], 4)


CLAIMS = (
    PublishedClaim("sf1", "sf0", "above", "nls", _published("sf1", "sf0")),
    *(PublishedClaim(name, "sf1", "below", "nls", _published(name, "sf1")) for name in ("sf2", "sf5", "sf6")),
    PublishedClaim("sf6", "sf2", "above", "nls", _published("sf6", "sf2")),
    PublishedClaim("sf3", "sf0", "no different", "nls", _published("sf3", "sf0")),
    PublishedClaim("sf6-shared", "sf6", "above"),
    PublishedClaim("roomwise", "sf1", "above"),
    PublishedClaim("roomwise, ten pairs", "roomwise, ten pairs, words alone", "above"),
    PublishedClaim("roomwise", "roomwise, words alone", "above"),
)
STUDY = Study("sf", _ABOUT, SF, "sf1", SLIDES_SCORES, "levenshtein similarity", SLIDES, CLAIMS)

app = command(STUDY)
