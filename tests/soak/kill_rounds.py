"""Rounds of kills: a command in a fresh home is killed, looked after, and done."""

import pickle
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_processes import alive

from agent.recording.record import EVENTS
from soak.kill_checks import Picture, closed, jobs, left, noted, picture, still, untaught
from soak.kill_child import Killings
from soak.kill_fate import Fate
from soak.kill_state import OTHERS, START, TRAINING, Verb, prepare

_MOST = 5
"""Kills in a round."""
_STARTS = 0.2
"""How often it is a start that is killed next."""
_PATIENCE = 5.0
"""Seconds until a worker whose session was killed has ended."""
_SPARED = Fate()
_SOCKETS = shutil.ignore_patterns("*.sock")


@dataclass(frozen=True)
class Usual:
    """How many steps and seconds a command takes from each moment on, and what comes of it."""

    moments: dict[str, tuple[int, float]]
    after: Picture


@dataclass
class Deaths:
    """How many kills there were, by command, how many of them while a child trained; and what should not be:
    turns, pairs or adapters lost, states that do not open, and what is half done after the next start.
    """

    kills: Counter[str] = field(default_factory=Counter)
    training: int = 0
    lost: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.closed, *self.half]

    def add(self, more: "Deaths") -> None:
        self.kills += more.kills
        self.training += more.training
        for name in ("lost", "closed", "half"):
            getattr(self, name).extend(getattr(more, name))

    def __str__(self) -> str:
        by = ", ".join(f"{verb} {count}" for verb, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({by}), {self.training} of them while training: "
            f"{len(self.lost)} lost, {len(self.closed)} do not open, {len(self.half)} half done"
        )


class Rounds:
    """Plays rounds in a folder that is prepared once."""

    def __init__(self, folder: Path, nursery: Killings) -> None:
        self._folder, self._nursery, self._home = folder, nursery, folder / "home"
        usual = folder / "usual.pickle"
        if not usual.exists():
            for name in ("student", "template", "more", "pairs", "visit", "views"):
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / "visit.zip").unlink(missing_ok=True)
            noted(prepare(folder, self._do))
            self._before = picture(folder / "template")
            measured = {verb.line: self._measure(verb) for verb in (START, *TRAINING, *OTHERS)}
            usual.write_bytes(pickle.dumps(measured))
        self._usual: dict[str, Usual] = pickle.loads(usual.read_bytes())  # noqa: S301  # our own
        self._before = picture(folder / "template")

    def play(self, chance: random.Random, training: bool) -> Deaths:
        """Kill a command once or a few times, now and then a start between, look, start, look, and let it do
        its work.
        """
        verb = chance.choice(TRAINING if training else (*OTHERS, *TRAINING[:2]))
        deaths, before = Deaths(), self._fresh()
        for number in range(chance.randint(1, _MOST)):
            starts = number > 0 and not training and chance.random() < _STARTS
            victim = START if starts else verb
            died = self._kill(victim, verb, self._fate(victim, training, chance), before, deaths)
            if deaths.faults:
                return deaths
            before = picture(self._home)
            if not died:
                break
        self._settle(verb, before, deaths)
        return deaths

    def keep(self, number: int) -> None:
        """The home of a round, to be looked at."""
        shutil.copytree(self._home, self._folder / f"round-{number}", ignore=_SOCKETS, dirs_exist_ok=True)

    def _kill(self, victim: Verb, verb: Verb, fate: Fate, before: Picture, deaths: Deaths) -> bool:
        """Whether it died, or its child did. A start ends what was cut short of the round's `verb`."""
        where = f"{victim.short} killed at {fate}, of {verb.short}: "
        code = self._run(victim, fate)
        notes = noted(self._home)
        died = next((note for note in notes if "died" in note), None)
        if died:
            deaths.kills[victim.name] += 1
            deaths.training += bool(died["training"])
        hangs = ["hangs"] if code is None else []
        hangs += ["its child lives on" for note in notes if "worker" in note and not _ended(note["worker"])]
        deaths.closed += [where + line for line in (*hangs, *closed(self._home))]
        if not deaths.closed:
            deaths.lost += [where + line for line in self._lost(verb, notes, before)]
        return died is not None

    def _lost(self, verb: Verb, notes: list[dict[str, Any]], before: Picture) -> Iterator[str]:
        now = picture(self._home)
        after = self._usual[verb.line].after
        if lost := now.lacks(self._before, after) if verb.exact else now.forgets(before):
            yield lost
        told = {note["answered"]: note["text"] for note in notes if "answered" in note}
        new = [now.turns[name] for name in now.turns.keys() - before.turns.keys()]
        if told and not any(told.items() <= turns.items() for turns in new):
            yield f"{told} was said, and there is {new}"
        if any("corrected" in note for note in notes) and "a red chair" not in str(now.pairs):
            yield "a correction"
        state = self._home / "state"
        if "replays/mine" in now.turns and (state / "replays" / "mine" / "memory").exists():
            yield from untaught(state / "replays" / "mine" / "session", state / "replays" / "mine")
        for name in now.turns.keys() - self._before.turns.keys() - {"replays/mine", "from-anna"}:
            yield from untaught(state / "sessions" / name, state)

    def _settle(self, verb: Verb, before: Picture, deaths: Deaths) -> None:
        """Start, then do it; all or nothing of it must be there after the first, all after the second."""
        after, name = self._usual[verb.line].after, verb.short
        if self._run(START) != 0:
            deaths.closed.append(f"no start after {name}")
            return
        now = picture(self._home)
        if verb.exact and now not in (self._before, after):
            deaths.half.append(f"{name}: {now.lacks(now, now) or self._between(now, after)}")
        if not verb.exact and (lost := now.forgets(before)):
            deaths.lost.append(f"start after {name}: {lost}")
        memory = self._home / "state" / "memory"
        if verb.secret and now == after and (files := still(memory, verb.secret)):
            deaths.half.append(f"{name}: its words are in {files}")
        deaths.half += [f"{name}: {line}" for line in (*left(self._home), *jobs(self._home))]
        code, again = self._run(verb), picture(self._home)
        if verb.exact and again != after:
            deaths.half.append(f"{name} again: {self._between(again, after)}")
        if not verb.exact and code != 0 and not _is_over(verb, self._home):
            deaths.closed.append(f"{name} again: exit code {code}")
        deaths.half += [f"{name} again: {line}" for line in left(self._home)]

    def _between(self, now: Picture, after: Picture) -> str:
        """How it differs from before, and from after."""
        return f"{now.lacks(self._before, self._before)} | {now.lacks(after, after)}"

    def _fate(self, verb: Verb, training: bool, chance: random.Random) -> Fate:
        moments = self._usual[verb.line].moments
        moment = chance.choices(["training", "worker"], [3, 2])[0] if training else "start"
        steps, seconds = moments[moment]
        if chance.random() < 0.6:
            return Fate(moment, steps=chance.randint(0, steps))
        return Fate(moment, seconds=chance.uniform(0, seconds))

    def _measure(self, verb: Verb) -> Usual:
        self._fresh()
        code = self._run(verb)
        notes = [note for note in noted(self._home) if "usual" in note]
        self._run(START)
        if code != 0:
            raise RuntimeError(f"{verb.line}: {(self._home / 'log').read_text()[-500:]}")
        moments = {note["usual"]: (note["steps"], note["seconds"]) for note in reversed(notes)}
        return Usual(moments, picture(self._home))

    def _run(self, verb: Verb, fate: Fate = _SPARED) -> int | None:
        return self._do(self._home, verb.words(self._folder, self._home), fate, verb.questions)

    def _do(self, home: Path, words: list[str], fate: Fate = _SPARED, questions: int = 0) -> int | None:
        return self._nursery.run(home, words, str(self._folder / "student"), fate, questions)

    def _fresh(self) -> Picture:
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.copytree(self._folder / "template", self._home)
        return self._before


def _ended(pid: int) -> bool:
    """Whether a worker ends soon after its session."""
    until = time.monotonic() + _PATIENCE
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not alive(pid)


def _is_over(verb: Verb, home: Path) -> bool:
    """Whether a replay had come to its end."""
    log = home / "state" / "replays" / "mine" / "session" / EVENTS
    return verb.name == "replay" and log.exists() and b'"SessionEnded"' in log.read_bytes()
