"""What a run leaves for people: losses.csv, scores.csv, and curve.svg drawn from them."""

import csv
import io
from itertools import cycle
from pathlib import Path

from bench.measure.charts import COLOURS, chart, check_picture
from core.files import atomic_write_text, storage_errors

_TICKS = "▁▂▃▄▅▆▇█"


class LossLog:
    """Appends to a stage's lines; lines of steps after `step`, from before a resume, are dropped."""

    def __init__(self, folder: Path, stage: str, step: int) -> None:
        check_picture(folder / "curve.svg")
        self._folder, self._stage = folder, stage
        for name in ("losses", "scores"):
            rows = read_rows(folder / f"{name}.csv")
            rows = [row for row in rows if row[0] != stage or int(row[1]) <= step]
            atomic_write_text(folder / f"{name}.csv", _text(rows))
        self._recent = [float(row[3]) for row in read_rows(folder / "losses.csv") if row[0] == stage]

    def loss(self, step: int, rate: float, value: float) -> None:
        """One line of losses.csv: stage, step, learning rate, mean loss since the line before."""
        self._recent.append(value)
        _append(self._folder / "losses.csv", [[self._stage, str(step), f"{rate:.3g}", f"{value:.5f}"]])

    def scores(self, step: int, scores: dict[str, tuple[float, int]]) -> None:
        """Lines of scores.csv: stage, step, name, value, n."""
        rows = [[self._stage, str(step), name, f"{value:.4f}", str(n)] for name, (value, n) in scores.items()]
        _append(self._folder / "scores.csv", rows)

    def sparkline(self, width: int = 24) -> str:
        """The stage's losses as a line of text, coarse."""
        values = self._recent[:: max(1, len(self._recent) // width)]
        low, high = min(values), max(values)
        scale = (len(_TICKS) - 1) / (high - low) if high > low else 0.0
        return "".join(_TICKS[round((value - low) * scale)] for value in values)

    def draw(self) -> None:
        """Replace curve.svg: all stages' losses, one after the other, each with its own scale and colour."""
        rows = read_rows(self._folder / "losses.csv")
        stages = list(dict.fromkeys(row[0] for row in rows))
        with chart(self._folder / "curve.svg", "Losses of each stage, step by step", 9, 3.5) as figure:
            panels = figure.subplots(1, max(1, len(stages)), squeeze=False)[0]
            for axes, stage, colour in zip(panels, stages, cycle(COLOURS), strict=False):
                values = [float(row[3]) for row in rows if row[0] == stage]
                axes.plot([int(row[1]) for row in rows if row[0] == stage], values, color=colour, linewidth=1)
                axes.set_title(f"{stage}: {values[0]:.2f} to {values[-1]:.2f}")
                axes.set(xlabel="step", ylabel="loss", ylim=(0, None))


def read_rows(path: Path) -> list[list[str]]:
    """The lines of one of the files; none when it is not there."""
    if not path.is_file():
        return []
    with storage_errors("read", path):
        return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def _append(path: Path, rows: list[list[str]]) -> None:
    with storage_errors("write", path), path.open("a", encoding="utf-8") as file:
        file.write(_text(rows))


def _text(rows: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
