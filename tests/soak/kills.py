"""Kills of every command that changes something, at any step and any moment: nothing is lost or half done.

Each round has a fresh home in which one command is killed, once or a few times, before it may do its work;
half of the kills come while a child trains. It goes on where it was cut.
"""

import json
import random
import time
from collections import Counter
from pathlib import Path

from core.lazy import say
from soak.kill_child import Killings
from soak.kill_rounds import Deaths, Rounds

_DONE = "rounds.jsonl"


def kill_many(count: int, seed: int, folder: Path, every: float = 10.0) -> Deaths:
    """At least `count` kills in all, those that the folder tells of included; says how far it is."""
    folder.mkdir(parents=True, exist_ok=True)
    total = Deaths()
    done = [json.loads(line) for line in _lines(folder / _DONE)]
    for line in done:
        total.add(Deaths(Counter(line.pop("kills")), **line))
    told = time.monotonic()
    with Killings() as nursery:
        rounds = Rounds(folder, nursery)
        number = len(done)
        while total.kills.total() < count:
            deaths = rounds.play(random.Random(f"{seed} {number}"), 2 * total.training <= total.kills.total())
            total.add(deaths)
            with (folder / _DONE).open("a") as file:
                file.write(json.dumps(vars(deaths)) + "\n")
            if deaths.faults:
                rounds.keep(number)
            number += 1
            if time.monotonic() - told > every:
                told = time.monotonic()
                say(str(total))
    return total


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
