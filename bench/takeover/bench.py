"""The whole measurement: rooms replayed, a calibration fitted to them or judged by them, then rows."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from agent.takeover.calibration import (
    Calibration,
    find_calibration,
    own_path,
    read_calibration,
    write_calibration,
)
from bench.learning.places import rendered_places, session_places
from bench.learning.plan import LearningPlan, Start, Unit, digest
from bench.measure.crew import Crew, crew
from bench.measure.report import Report, Row
from bench.takeover.calibrating import fit_calibration
from bench.takeover.picture import draw
from bench.takeover.rows import TakeOverScores, all_rows, in_use
from bench.takeover.visits import Visited, visited
from bench.takeover.wanted import TakeOverOptions
from core.config import Config
from core.errors import InputError
from core.files import cache_dir
from models.lora import base_of


def bench(wanted: TakeOverOptions, config: Config) -> Report:
    """Replay what is not replayed yet, and report. Raises RoomwiseError; what was done is kept."""
    judged = None if wanted.fit else known(wanted)
    if wanted.fit and wanted.agreement is not None:
        raise InputError("--fit makes a calibration and --agreement judges one. Do one after the other.")
    split = wanted.split or ("validation" if wanted.fit else "test")
    places = session_places(wanted.sessions) if wanted.sessions else rendered_places(split, wanted.rooms)
    units = [Unit(place, wanted.seed) for place in places]
    with crew(wanted.jobs) as workers:
        # As bench learning replays: asked for no agreement, so that the student answers everything.
        found = workers.do(partial(visited, _plan(wanted, config, 0.0)), units, "rooms")
        measured = _fitted(found, wanted, config) if judged is None else _judged(found, judged)
        rows = list(all_rows(measured, wanted.seed))
        if judged is not None and wanted.agreement is not None:
            rows += _in_use(wanted, config, judged, units, workers)
    if wanted.picture is not None:
        draw(measured, wanted.picture)
    return Report("bench takeover" + " --fit" * wanted.fit, wanted.seed, rows)


def known(wanted: TakeOverOptions) -> Calibration:
    """The calibration that is judged. Raises WeightsError, and InputError where it is not the one in use."""
    if wanted.calibration is None:
        return find_calibration(wanted.student)
    given_one = read_calibration(wanted.calibration, base_of(wanted.student))
    if wanted.agreement is not None and find_calibration(wanted.student) != given_one:
        raise InputError(
            f"With --agreement sessions use the student's own calibration, not {wanted.calibration}. "
            "Leave --calibration out, or --agreement."
        )
    return given_one


def fitted(rooms: Sequence[Visited], base: str, about: dict[str, Any]) -> TakeOverScores:
    """A calibration of these rooms, measured by what models that did not see a room say of it.

    Raises InputError for fewer than two rooms.
    """
    said = [(one, room.key) for room in rooms for one in room.said]
    keys = sorted({room.key for room in rooms})
    if len(keys) < 2:
        raise InputError("A calibration needs two different rooms at least. Give more of them.")
    told = {**about, "rooms": keys, "answers": len(said), "agreed": sum(one.agrees for one, _ in said)}
    fit = fit_calibration(
        [one.evidence for one, _ in said], [one.agrees for one, _ in said], [key for _, key in said],
        base, told,
    )  # fmt: skip
    return TakeOverScores(rooms, fit.left_out, fit.calibration)


def refuse_known(rooms: Sequence[Visited], calibration: Calibration) -> None:
    """A calibration is not judged by rooms that it was fitted to. Raises InputError, which names one."""
    known_ones = set(calibration.about.get("rooms", ()))
    seen = [room.room for room in rooms if room.key in known_ones]
    if seen:
        raise InputError(
            f"The calibration was fitted to {len(seen)} of these rooms, {seen[0]} among them. "
            "Judge it by others: --split or --sessions."
        )


def _plan(wanted: TakeOverOptions, config: Config, agreement: float) -> LearningPlan:
    router = config.router.model_copy(update={"agreement": agreement})
    requesting = config.model_copy(update={"router": router})
    out = cache_dir() / "learning" if wanted.out is None else wanted.out
    return LearningPlan(wanted.student, wanted.expert, config.router.warm_up, (), requesting, out)


def _fitted(rooms: Sequence[Visited], wanted: TakeOverOptions, config: Config) -> TakeOverScores:
    base = base_of(wanted.student)
    about = {"seed": wanted.seed, "plan": digest(_plan(wanted, config, 0.0).about())}
    measured = fitted(rooms, base.digest, about)
    write_calibration(measured.calibration, wanted.calibration or own_path(base))
    return measured


def _judged(rooms: Sequence[Visited], calibration: Calibration) -> TakeOverScores:
    refuse_known(rooms, calibration)
    logits = [calibration.logit(said.evidence) for room in rooms for said in room.said]
    return TakeOverScores(rooms, logits, calibration)


def _in_use(
    wanted: TakeOverOptions, config: Config, calibration: Calibration, units: Sequence[Unit], workers: Crew
) -> list[Row]:
    """Sessions in which the router decided; another calibration makes other sessions."""
    start = Start(None, digest(asdict(calibration)))
    agreement = wanted.agreement or 0.0
    again = [Unit(unit.place, unit.seed, start=start) for unit in units]
    rooms = workers.do(partial(visited, _plan(wanted, config, agreement)), again, "in use")
    return list(in_use(rooms, agreement, wanted.seed))
