"""How often a drafted question is kept, so that its text alone does not give the answer away.

`balance.txt` is fitted on training rooms only (`roomwise render balance`). For every `key` (what a
reader of the question knows) the commoner answers are thinned to the frequency of the rank-th
commonest. Of things compared, each category has a strength (log odds of winning), and a foregone win
is kept as rarely as its odds are long.
"""

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from bench.rooms.questions.draft import QuestionDraft

TABLE = Path(__file__).with_name("balance.txt")
COMPARED = frozenset({"nearer", "farther", "nearest", "bigger"})
# The answers of a key are thinned to the frequency of this commonest one.
_RANK = {
    "exist": 2, "tinted": 2, "lit": 2, "relation": 2, "position": 3, "count": 3, "colour": 6,
    "what_biggest": 8, "what_nearest": 8, "what_on": 5, "what_in": 5, "what_colour": 8, "what_room": 4,
    "where": 3, "made_of": 3, "pattern": 3,
}  # fmt: skip
_ONE_ANSWER = 0.02  # kept of what only ever has one answer
_LEAST = 0.002
_SPREAD = 1.25  # a category's odds over all rivals are nearer to even than over an average one
_ALL = "*"  # stands for every category of a kind, where a key was too rare to be fitted
_ENOUGH = 12


def _cells(draft: QuestionDraft) -> list[tuple[str, str]]:
    """(key, answer) pairs that are counted for a draft: one, or for comparisons one for each thing."""
    if draft.kind not in COMPARED:
        return [(draft.key.rpartition("|")[0] if draft.kind == "relation" else draft.key, draft.answer)]
    kind, *names = draft.key.split("|")
    won = [value == draft.answer for value in draft.slots.values()]
    return [(f"{kind}|{name}", "won" if w else "lost") for name, w in zip(names, won, strict=True)]


def fit(drafts: Iterable[QuestionDraft]) -> str:
    """The table for these drafts (all of many training frames), as the text of `balance.txt`."""
    counts: dict[str, Counter[str]] = {}
    for draft in drafts:
        for key, answer in _cells(draft):
            counts.setdefault(key, Counter())[answer] += 1
            whole = f"{key.partition('|')[0]}|{_ALL}"
            counts.setdefault(whole, Counter())[answer] += 1
    lines = []
    for key, answers in sorted(counts.items()):
        kind = key.partition("|")[0]
        if kind in COMPARED:
            strength = math.log((answers["won"] + 1) / (answers["lost"] + 1))
            lines.append(f"{key}\tstrength\t{strength:.3f}")
        elif sum(answers.values()) >= _ENOUGH:
            lines += _thinned(key, answers, _RANK[kind])
    return "\n".join(lines) + "\n"


def _thinned(key: str, answers: Counter[str], rank: int) -> list[str]:
    common = answers.most_common()
    cap = float(common[min(rank, len(common)) - 1][1])
    if len(common) == 1:
        return [f"{key}\t{common[0][0]}\t{_ONE_ANSWER}"]
    # A key with too few answers is easily guessed however they are thinned: ask it rarely.
    cap *= min(1.0, len(common) / rank) ** 3
    return [f"{key}\t{answer}\t{max(_LEAST, min(1.0, cap / n)):.4f}" for answer, n in common]


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], float]:
    if not TABLE.exists():
        return {}
    rows = (line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines())
    return {(key, answer): float(value) for key, answer, value in rows}


def keep(draft: QuestionDraft) -> float:
    """The relative frequency in (0, 1] at which a draft is kept; 1 where nothing is known."""
    table = _table()
    if draft.kind in COMPARED:
        return _keep_comparison(draft, table)
    key, answer = _cells(draft)[0]
    return table.get((key, answer), table.get((f"{draft.kind}|{_ALL}", answer), 1.0))


def _keep_comparison(draft: QuestionDraft, table: dict[tuple[str, str], float]) -> float:
    kind, *names = draft.key.split("|")
    strength = [table.get((f"{kind}|{name}", "strength"), 0.0) for name in names]
    won = [value == draft.answer for value in draft.slots.values()].index(True)
    rival = max(s for i, s in enumerate(strength) if i != won)
    return max(_LEAST, min(1.0, math.exp(_SPREAD * (rival - strength[won]))))


def likely(category: str, colour: str) -> float:
    """How common a colour is of a category: at least 1, on no particular scale."""
    return 1.0 / _table().get((f"colour|{category}", colour), 1.0)
