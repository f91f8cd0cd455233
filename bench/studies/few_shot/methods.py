"""The rows of both studies as data: which method a name stands for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from adapters.jobs.request import Recipe, recipe_for
from bench.studies.distill.few_shot import FewShotCourse
from bench.studies.distill.terms import PRESETS, RANDOM_PROJECTIONS, Preset


@dataclass(frozen=True)
class Entry:
    """A row of a study.

    `weights` of the terms of its loss; none is the untouched student. `fits` names, by term, the autoencoders
    that it reads maps with (see `fits`). With a `recipe` it is the product's own training, with
    the expert's signals or, without `signals`, from its words alone; `extra`: also from what the agent asks.
    """

    name: str
    what: str
    weights: Preset = field(default_factory=dict)
    fits: Mapping[str, str] = field(default_factory=dict)
    balance: bool = False
    drawn: bool = False
    recipe: Recipe | None = None
    signals: bool = True
    extra: bool = False

    @property
    def seeded(self) -> bool:
        """Whether another seed gives another result."""
        return bool(self.weights) or self.recipe is not None

    def about(self, course: FewShotCourse) -> dict[str, Any]:
        """By what a result of it is known again: all that it depends on, beside models, room and seed."""
        if self.recipe is not None:
            return {"recipe": asdict(self.recipe), "signals": self.signals, "extra": self.extra}
        about = {"weights": {name: repr(weight) for name, weight in self.weights.items()}}
        return {**about, "fits": dict(self.fits), "balance": self.balance, "drawn": self.drawn,
                "course": asdict(course)}  # fmt: skip


def _preset(name: str, what: str, **changes: Any) -> Entry:
    return Entry(name, what, dict(PRESETS[name]), drawn=name in RANDOM_PROJECTIONS, **changes)


def _codes(pairing: str) -> Entry:
    """SF6 with autoencoders whose codes have a common basis, which the published ones lack."""
    term = f"attn_ae({pairing})"
    what = f"sf6 repaired: autoencoders {pairing}"
    return Entry(f"sf6-{pairing}", what, {"ce": 1.0, term: 0.1}, {term: pairing})


_LITERAL = {"attn_ae(literal)": "literal"}
_ALIGN = _preset("align", "Align-KD as we recommend it, gradients balanced", balance=True)
_ALIGN_KD = _preset("align-kd", "Align-KD as the paper means it")
_ALIGN_KD_CODE = _preset("align-kd-code", "Align-KD as released")
_OURS = Entry("roomwise", "the product's own training", recipe=recipe_for(1), extra=True)
_OURS_TEN = Entry("roomwise, ten pairs", "without questions of the agent's own", recipe=recipe_for(0))


def _from_words(entry: Entry) -> Entry:
    what = f"{entry.what}, from the expert's words alone"
    return replace(entry, name=f"{entry.name}, words alone", what=what, signals=False)


_OURS_PLAIN, _OURS_TEN_PLAIN = _from_words(_OURS), _from_words(_OURS_TEN)

SF: tuple[Entry, ...] = (
    _preset("sf0", "untouched"),
    _preset("sf1", "plain fine-tuning: cross-entropy"),
    _preset("sf2", "and codes of maps, weight 1", fits=_LITERAL),
    _preset("sf3", "codes of maps alone", fits=_LITERAL),
    _preset("sf4a", "and maps of the last layer"),
    _preset("sf4b", "and maps of all layers"),
    _preset("sf4c", "and likely words"),
    _preset("sf5", "and codes of rolled out maps, 0.1", fits={"attn_rollout": "rollout"}),
    _preset("sf6", "and codes of maps, 0.1", fits=_LITERAL),
    _preset("sf7", "and codes that are distributions, 0.1", fits={"attn_vae": "variational"}),
    _codes("shared"),
    _codes("joint"),
    _codes("map"),
    _ALIGN_KD,
    _ALIGN_KD_CODE,
    _ALIGN,
    _OURS_TEN_PLAIN,
    _OURS_TEN,
    _OURS_PLAIN,
    _OURS,
)


def _block(which: str) -> Entry:
    weights = {name: weight for name, weight in PRESETS["align-kd"].items() if name != "t2v_mse"}
    return Entry(f"block {which}", f"align-kd with the block {which}", {**weights, f"{which}_mse": 1.0})


_LADDER = {
    "ce": "plain fine-tuning",
    "kd_rkl": "and likely words, reverse",
    "t2v_mse": "and first-layer maps",
    "v_all": "and vision tokens",
}


def _up_to(term: str) -> Entry:
    """The ladder of the paper's ablation: every term up to this one, with weight 1."""
    names = list(_LADDER)[: list(_LADDER).index(term) + 1]
    return Entry("ce" if term == "ce" else f"+ {term}", _LADDER[term], dict.fromkeys(names, 1.0))


ALIGN_KD: tuple[Entry, ...] = (
    Entry("untouched", "untouched"),
    *(_up_to(term) for term in _LADDER),
    replace(_ALIGN_KD, what="and those in focus: Align-KD as the paper means it"),
    _ALIGN_KD_CODE,
    _ALIGN,
    *(_block(which) for which in ("v2v", "t2t", "full")),
)
