"""Study 2 as rows, as a table, and as a paragraph that the intervals write."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from bench.measure.charts import BLUE, INK, ORANGE, chart
from bench.measure.intervals import Interval, bootstrap_mean, paired_difference
from bench.measure.report import Row, measured, ruled
from bench.studies.vit.flow import AGREEMENTS, KINDS, LITERAL, OWN, RESIDUAL, Flow, agreement, paired_depths

SOURCE = "slides of 28-05-2025, Study 2: ViT-B/16 and ViT-L/16, in words and pictures, without numbers"
SAME, OTHER = "same picture", "another picture"

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Flows:
    """Both networks' flows of the same n pictures; `groups` says which belong together."""

    student: str
    expert: str
    ours: Sequence[Flow]
    theirs: Sequence[Flow]
    groups: Sequence[int]
    seed: int

    def entropies(self, who: str, kind: str) -> Numbers:
        """[n, L]."""
        flows = self.ours if who == self.student else self.theirs
        return np.stack([flow.entropies[kind] for flow in flows])

    def apart(self, who: str, kind: str) -> Numbers:
        """[n, L]."""
        flows = self.ours if who == self.student else self.theirs
        return np.stack([flow.apart[kind] for flow in flows])

    def agreement(self, kind: str, against: str) -> dict[str, Numbers]:
        """By measure [n, L]; another picture is the next one of another group, or simply the next."""
        theirs = [self.theirs[place] for place in self._partners(against)]
        agreements = [
            agreement(mine.maps[kind], other.maps[kind])
            for mine, other in zip(self.ours, theirs, strict=True)
        ]
        return {name: np.stack([by_measure[name] for by_measure in agreements]) for name in AGREEMENTS}

    def interval(self, values: Numbers) -> Interval:
        """Of one number a picture."""
        return bootstrap_mean(values, list(self.groups), seed=self.seed)

    def difference(self, first: Numbers, second: Numbers) -> Interval:
        """Of two numbers a picture."""
        return paired_difference(first, second, list(self.groups), seed=self.seed)

    def _partners(self, against: str) -> list[int]:
        n = len(self.groups)
        if against == SAME:
            return list(range(n))
        partners = []
        for place, group in enumerate(self.groups):
            others = [(place + step) % n for step in range(1, n)]
            foreign = [other for other in others if self.groups[other] != group]
            partners.append((foreign or others or [place])[0])
        return partners


def rows(flows: Flows) -> Iterator[Row]:
    """Entropy and spread of every layer of both; agreement at every depth of the student."""
    for who in dict.fromkeys((flows.student, flows.expert)):
        for kind in KINDS:
            by_metric = {"entropy": flows.entropies(who, kind), "rows apart": flows.apart(who, kind)}
            for metric, values in by_metric.items():
                for layer in range(values.shape[1]):
                    about: Row = {"model": who, "map": kind, "layer": layer + 1}
                    yield measured(flows.interval(values[:, layer]), **about, metric=metric)
    for kind in KINDS:
        for against in (SAME, OTHER):
            for metric, values in flows.agreement(kind, against).items():
                layers = paired_depths(values.shape[1], len(flows.theirs[0].entropies[kind]))
                for layer, deeper in enumerate(layers):
                    identity: Row = {"map": kind, "layer": layer + 1, "expert_layer": deeper + 1}
                    interval = flows.interval(values[:, layer])
                    yield measured(interval, **identity, against=against, metric=metric)


def table(flows: Flows) -> Table:
    """A line a layer of the student: entropies of both at that depth, agreement, and that with chance."""
    title = f"{flows.student} and {flows.expert} at equal depth, {len(flows.groups)} pictures"
    names = ("map", "layer", "with", "entropy", "entropy", "rows apart", "rows apart", *AGREEMENTS)
    made = ruled(title, names, left=("map",))
    made.add_row("", "", "", flows.student, flows.expert, flows.student, flows.expert,
                 *[f"{SAME} / other"] * len(AGREEMENTS), style="dim")  # fmt: skip
    for kind in KINDS:
        mine, other = flows.agreement(kind, SAME), flows.agreement(kind, OTHER)
        entropies = [flows.entropies(who, kind).mean(axis=0) for who in (flows.student, flows.expert)]
        apart = [flows.apart(who, kind).mean(axis=0) for who in (flows.student, flows.expert)]
        for layer, deeper in enumerate(paired_depths(len(entropies[0]), len(entropies[1]))):
            numbers = [entropies[0][layer], entropies[1][deeper], apart[0][layer], apart[1][deeper]]
            pairs = [
                f"{mine[name][:, layer].mean():.3f} / {other[name][:, layer].mean():.3f}"
                for name in AGREEMENTS
            ]
            cells = [f"{number:.3f}" for number in numbers]
            made.add_row(kind, str(layer + 1), str(deeper + 1), *cells, *pairs)
    return made


def sentences(flows: Flows) -> Iterator[str]:
    """What holds of what the slides say."""
    for who in dict.fromkeys((flows.student, flows.expert)):
        own = flows.entropies(who, OWN)
        difference = flows.difference(own[:, -1], own[:, 0])
        side = _grows(difference, "spread out", "narrow")
        yield f"{who}: from the first layer to the last its own maps {side}."
        ends = [flows.entropies(who, kind)[:, -1] for kind in (RESIDUAL, LITERAL)]
        apart = [flows.apart(who, kind)[:, -1].mean() for kind in (RESIDUAL, LITERAL)]
        yield (
            f"Rolled out to the end with the residual they have entropy {ends[0].mean():.3f} and rows "
            f"{apart[0]:.4f} bits apart; as the slides multiply, without it, {ends[1].mean():.3f} and "
            f"{apart[1]:.4f}."
        )
    for kind in KINDS:
        mine, other = flows.agreement(kind, SAME)["spearman"], flows.agreement(kind, OTHER)["spearman"]
        difference = flows.difference(mine[:, -1], other[:, -1])
        verdict = (
            "more"
            if difference.low > 0
            else "less"
            if difference.high < 0
            else "no more, as far as can be told,"
        )
        name = "layer's own map" if kind == OWN else kind
        yield (
            f"At the last depth ({name}) both correlate {verdict} over the same picture "
            f"than over different ones ({difference:+.3f})."
        )


def _grows(difference: Interval, up: str, down: str) -> str:
    side = (
        up
        if difference.low > 0
        else down
        if difference.high < 0
        else "neither spread out nor narrow for sure"
    )
    return f"{side} (entropy {difference:+.3f})"


def draw(path: Path, flows: Flows) -> None:
    """Two rows of panels, a column a kind of map. Raises StorageError."""
    with chart(path, "Attention over depth, from the first layer to the last", 9, 5.5) as figure:
        panels = figure.subplots(2, len(KINDS), sharex=True, sharey="row")
        for kind, above, below in zip(KINDS, *panels, strict=True):
            above.set_title(kind)
            for who, colour in ((flows.student, BLUE), (flows.expert, ORANGE)):
                _curve(above, flows.entropies(who, kind).mean(axis=0), color=colour, label=who)
            for against, style in ((SAME, "-"), (OTHER, "--")):
                agreeing = flows.agreement(kind, against)["spearman"].mean(axis=0)
                _curve(below, agreeing, color=INK, linestyle=style, label=against)
            below.set_xlabel("depth")
        for row, name in zip(panels, ("entropy", "Spearman of both"), strict=True):
            row[0].set_ylabel(name)
            row[0].legend()


def _curve(axes: Any, values: NDArray[np.floating[Any]], **style: str) -> None:
    axes.plot(np.linspace(0, 1, len(values)), values, marker="o", markersize=3, **style)
