"""A session as one page that needs nothing else: frames, answers, take-over curve, methods side by side."""

import base64
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from agent.curve import takeover_curve
from agent.record import Recording
from agent.summary import ALL, Summary, TurnSummary
from core.files import atomic_write_text

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .3rem .7rem; text-align: right }
th:first-child, td:first-child { text-align: left } thead th { border-bottom: 2px solid #999 }
.turn { display: flex; gap: 1rem; margin: 1rem 0; align-items: flex-start } .turn img { width: 10rem }
.by { font-weight: 600 } .expert { color: #a66a00 } .student { color: #00698c } .memory { color: #8a2a8a }
.right { color: #1a7f37 } .wrong { color: #b3261e } small { color: #666 } svg { max-width: 100% }
"""


def write_report(recording: Recording, summary: Summary, folder: Path) -> Path:
    """Write `report.html` and `report.json` into a folder; returns the page.

    Raises InputError when a frame is missing, StorageError.
    """
    atomic_write_text(folder / "report.json", json.dumps(summary.to_dict(), indent=1) + "\n")
    page = folder / "report.html"
    atomic_write_text(page, "\n".join(_page(recording, summary)) + "\n")
    return page


def _page(recording: Recording, summary: Summary) -> Iterator[str]:
    room = escape(str(recording.about.get("room", "")))
    yield f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{room}</title>"
    yield f"<style>{_STYLE}</style></head><body><h1>{room}</h1>"
    student, expert = (escape(str(recording.about.get(name, ""))) for name in ("student", "expert"))
    yield (
        f"<p>{student} learnt from {expert}: {len(summary.turns)} questions, the expert was asked "
        f"{summary.expert_calls} times, {summary.saved} calls were saved after the warm-up.</p>"
    )
    yield takeover_curve(summary)
    yield from _table(summary)
    for ended in summary.adaptations:
        verdict = "Promoted" if ended.promoted else "Rejected"
        yield f"<p>{verdict} after {ended.seconds:.1f} s: {escape(ended.reason)}</p>"
    for turn in summary.turns:
        yield _turn(turn, recording)
    yield "</body></html>"


def _table(summary: Summary) -> Iterator[str]:
    if not summary.table:
        return
    tags = sorted({tag for row in summary.table.values() for tag in row}, key=lambda tag: (tag != ALL, tag))
    heads = "".join(f"<th>{escape(tag)}</th>" for tag in tags)
    yield f"<h2>Right after the warm-up</h2><table><thead><tr><th>method</th>{heads}</tr></thead><tbody>"
    for method, row in summary.table.items():
        cells = "".join(
            f"<td>{row[tag].mean:.2f} <small>({row[tag].n})</small></td>" if tag in row else "<td></td>"
            for tag in tags
        )
        yield f"<tr><td>{escape(method)}</td>{cells}</tr>"
    yield "</tbody></table>"


def _turn(turn: TurnSummary, recording: Recording) -> str:
    data = base64.b64encode(recording.blob(turn.frame, ".jpg").read_bytes()).decode("ascii")
    verdict = ""
    if turn.right is not None:
        word = "right" if turn.right else f"wrong: {turn.reference}"
        verdict = f" <span class='{'right' if turn.right else 'wrong'}'>{escape(word)}</span>"
    return (
        f"<div class='turn'><img alt='' src='data:image/jpeg;base64,{data}'><div>"
        f"<b>{turn.turn}. {escape(turn.question)}</b><br>"
        f"<span class='by {turn.by}'>{turn.by}</span>: {escape(turn.answer)}{verdict}<br>"
        f"<small>{escape(turn.why)}; {turn.confidence:.2f} sure, {turn.latency_ms:.0f} ms"
        f"{'; ' + escape(turn.tag) if turn.tag else ''}</small></div></div>"
    )
