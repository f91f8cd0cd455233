"""A session as one self-contained page: frames, answers, take-over curve, methods side by side."""

import base64
import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.recording.record import Recording
from agent.recording.summary import Summary, TurnSummary
from agent.replay.curve import takeover_curve
from agent.replay.outcome import figures, tags_of
from core.events import AdaptationEnded
from core.files import atomic_write_text
from core.text import strip_controls

CURVE = "takeover.svg"

_CAPTION = (
    "The small pictures show where the student, as it was at the end, and the expert look for the answer's "
    "words: the mean over layers, heads and words."
)
_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")


TurnMaps = Mapping[int, Mapping[str, bytes]]
"""By turn and model, a JPEG of the attention map."""


def write_report(recording: Recording, summary: Summary, folder: Path, maps: TurnMaps | None = None) -> Path:
    """Write `report.html`, `report.json` and the curve into a folder; returns the page. `maps` are shown
    beside their turns. Raises InputError when a frame is missing, StorageError.
    """
    curve = takeover_curve(summary)
    page = "\n".join(_page(recording, summary, curve, maps or {})) + "\n"
    atomic_write_text(folder / "report.json", json.dumps(summary.to_dict(), indent=1) + "\n")
    if curve.startswith("<svg"):
        atomic_write_text(folder / CURVE, curve)
    atomic_write_text(folder / "report.html", page)
    return folder / "report.html"


def _words(foreign: str) -> str:
    """A foreign text for the page: no markup, and nothing that cannot be seen."""
    return html.escape(strip_controls(foreign))


def _page(recording: Recording, summary: Summary, curve: str, maps: TurnMaps) -> Iterator[str]:
    room = _words(str(recording.about.get("room", "")))
    yield "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<title>{room}: from the first question to take-over</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{room}</h1><p class='quiet'>{_who(recording, summary)}</p>"
    yield "<h2>Take-over</h2>"
    yield curve
    yield f"<ul>{''.join(f'<li>{_words(sentence)}</li>' for sentence in figures(summary))}</ul>"
    yield from _table(summary)
    for ended in summary.adaptations:
        yield from _scores(ended)
    yield "<h2>Turn by turn</h2>"
    if maps:
        yield f"<p class='quiet'>{_CAPTION}</p>"
    yield "<div class='turns'>"
    for turn in summary.turns:
        yield _turn(turn, recording, maps.get(turn.turn, {}))
    yield "</div></body></html>"


def _who(recording: Recording, summary: Summary) -> str:
    student, expert = (_words(str(recording.about.get(name, ""))) for name in ("student", "expert"))
    seed = f", seed {summary.started.seed}" if summary.started else ""
    warm_up = f"{summary.warm_up} of {len(summary.turns)} questions were the warm-up"
    return f"{student} learns from {expert}; {warm_up}{seed}."


def _table(summary: Summary) -> Iterator[str]:
    if not summary.table:
        return
    heads = "".join(f"<th>{_words(name)}</th>" for name in ("what the question takes", "n", *summary.table))
    yield f"<h2>Right after the warm-up</h2><table><thead><tr>{heads}</tr></thead><tbody>"
    for tag in tags_of(summary):
        shares = [by_tag.get(tag) for by_tag in summary.table.values()]
        cells = "".join(f"<td>{share.mean:.2f}</td>" if share else "<td></td>" for share in shares)
        n = max(share.n for share in shares if share)
        yield f"<tr><td>{_words(tag)}</td><td>{n}</td>{cells}</tr>"
    yield "</tbody></table>"


def _scores(ended: AdaptationEnded) -> Iterator[str]:
    """The gate's view: exact match of current adapter and candidate on each set of questions."""
    names = {"train": "pairs of the room", "hold_out": "held out (by a trial)", "probe": "probe set"}
    rows = []
    for kind, name in names.items():
        current, candidate = (ended.scores.get(f"{who}.{kind}.exact") for who in ("current", "candidate"))
        n = int(ended.scores.get(f"candidate.{kind}.n", 0))
        if n and current is not None and candidate is not None:
            cells = f"<td>{n}</td><td>{current:.2f}</td><td>{candidate:.2f}</td>"
            rows.append(f"<tr><td>{name}</td>{cells}</tr>")
    if rows:
        title = f"Adaptation {_words(ended.adapter) or '(rejected)'}"
        yield f"<h2>{title}: {_words(ended.reason)}</h2>"
        yield "<table><thead><tr><th>right</th><th>n</th><th>before</th><th>after</th></tr></thead>"
        yield f"<tbody>{''.join(rows)}</tbody></table>"


def _turn(turn: TurnSummary, recording: Recording, maps: Mapping[str, bytes]) -> str:
    data = base64.b64encode(recording.blob(turn.frame, ".jpg").read_bytes()).decode("ascii")
    verdict = ""
    if turn.right is not None:
        word = "✓ right" if turn.right else f"✗ wrong: {turn.reference}"
        verdict = f" <span class='{'right' if turn.right else 'wrong'}'>{_words(word)}</span>"
    tag = f"<br>{_words(turn.tag)}" if turn.tag else ""
    return (
        f"<div class='turn'><img alt='frame of question {turn.turn}' "
        f"src='data:image/jpeg;base64,{data}'><div>"
        f"<b>{turn.turn}. {_words(turn.question)}</b><br>"
        f"<span class='by {turn.by}'>{turn.by}</span>: {_words(turn.answer) or '(no words)'}{verdict}<br>"
        f"<small>{_words(turn.why)}<br>{turn.confidence:.2f} sure, {turn.latency_ms:.0f} ms, "
        f"frame {turn.frame_age_ms:.0f} ms old{tag}</small>{_figures(maps, turn.turn)}</div></div>"
    )


def _figures(maps: Mapping[str, bytes], turn: int) -> str:
    """Each model's attention map, small."""
    figures = "".join(
        f"<figure><img alt='where {_words(name)} looks, question {turn}' "
        f"src='data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}'>"
        f"<figcaption>{_words(name)}</figcaption></figure>"
        for name, jpeg in maps.items()
    )
    return f"<div class='looks'>{figures}</div>" if figures else ""
