"""One paragraph of what holds, made from the rows."""

from collections.abc import Sequence

from bench.measure.report import Row
from bench.studies.pruning.accuracy import cheapest
from bench.studies.pruning.maps import drop_layer
from bench.studies.pruning.published import SECONDS

_ALLOWED = 0.02
"""Of all questions, what leaving out half may cost."""


def paragraph(rows: Sequence[Row]) -> str:
    """Time of zeroing against leaving out, where entropy falls, and what half of the tokens costs."""
    return " ".join(
        sentence
        for sentence in (_time_sentences(rows), _entropy_sentence(rows), _accuracy_sentence(rows))
        if sentence
    )


def _time_sentences(rows: Sequence[Row]) -> str:
    ratios = {
        str(row["method"]): row
        for row in rows
        if row["metric"] == "ratio" and "published" not in str(row["method"])
    }
    sentences = []
    for method in ("layer-wise", "patch-wise"):
        if method in ratios:
            then = SECONDS[method] / SECONDS["none"]
            mean, low, high = (_number(ratios[method], key) for key in ("mean", "low", "high"))
            verdict = "does not hold" if high >= 1 else "holds"
            sentences.append(
                f"{method} zeroing takes {mean:.2f} [{low:.2f}, {high:.2f}] of the time at equal length "
                f"(published {then:.2f}): that it saves time {verdict}."
            )
    if "half left out" in ratios:
        mean = _number(ratios["half left out"], "mean")
        sentences.append(f"Really leaving out half takes {mean:.2f}.")
    return " ".join(sentences)


def _entropy_sentence(rows: Sequence[Row]) -> str:
    tower = [row for row in rows if row.get("stack") == "tower" and "published" not in str(row.get("method"))]
    layer, fall = drop_layer(tower, "class token")
    if not layer:
        return ""
    random = "random weights" in str(tower[0]["model"])
    sentence = (
        f"Entropy of the class token's row falls most, by {fall:.3f}, after layer {layer} (published: 11)"
    )
    return sentence + ("; weights are random, so this says nothing about the post." if random else ".")


def _accuracy_sentence(rows: Sequence[Row]) -> str:
    share = 0.5
    about = [row for row in rows if row["metric"] == "exact difference" and row["share"] == share]
    if not about:
        return ""
    good = cheapest(about, _ALLOWED, share, lambda name: "expert" not in name and "random" not in name)
    best = max(about, key=lambda row: _number(row, "mean"))
    chance = next((row for row in about if row["method"] == "random"), None)
    sentence = (
        f"With half of the vision tokens the student loses at most 2 points by: {', '.join(good) or 'none'};"
    )
    sentence += f" best is {best['method']} with {100 * _number(best, 'mean'):+.1f} points"
    if chance is not None:
        sentence += f", at random {100 * _number(chance, 'mean'):+.1f}"
    return sentence + "."


def _number(row: Row, key: str) -> float:
    return float(row[key] or 0)
