"""Study 2 as a picture: entropy over depth in both networks, and how far they agree on a picture."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure.charts import BLUE, INK, ORANGE, chart
from bench.studies.vit.flow import KINDS
from bench.studies.vit.rows import OTHER, SAME, Flows


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
