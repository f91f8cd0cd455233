"""One replay from a folder to its summary: what `roomwise replay` and the benches call."""

import datetime
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from agent.looking.turns import looks_of_turns
from agent.loop.build import RECORDED, SessionFolders, SessionOptions, Stage, stage_session
from agent.machine.meters import measure_usage
from agent.recording.past import past_of
from agent.recording.record import SESSION, read_recording
from agent.recording.summary import Summary, summarise
from agent.recording.visit import Visit, read_visit
from agent.replay.hearing import by_ear
from agent.replay.options import ReplayOptions
from agent.replay.outcome import show_summary
from agent.replay.pace import Pace
from agent.replay.replay import baselines_of, play
from agent.replay.report import write_report
from agent.replay.show import Watcher
from core.config import Config
from core.errors import RoomwiseError
from core.events import Event
from core.files import state_dir


def replay_session(options: ReplayOptions, config: Config) -> Summary:
    """Replay a folder and keep everything; what happens is shown.

    Raises InputError, ImageError, UnknownModelError, WeightsError, StorageError; what was answered is kept.
    """
    visit = read_visit(options.session)
    if options.from_audio:
        visit = by_ear(visit, config.voice, Console(quiet=options.quiet, stderr=True))
    folder = options.out if options.out is not None else state_dir() / "replays" / _stamp()
    console = Console(quiet=options.quiet, stderr=options.aside)
    watch = _silent if options.quiet else Watcher(console)
    plays = _Plays(visit, _wish(options, visit, folder, config), config, Pace(options.speed))
    with stage_session(visit, plays.wish, config, watch) as stage:
        try:
            plays.run(stage)
        except (RoomwiseError, KeyboardInterrupt):
            console.print(
                f"What was answered is kept: the same with --out {folder} goes on.", highlight=False
            )
            raise
    recording = read_recording(folder / "session")
    summary = summarise(recording.events)
    if options.one_room:
        summary = replace(summary, one_room=plays.in_one_room(console))
    show_summary(summary, console)
    if options.report is not None:
        maps = looks_of_turns(recording, summary, folder / "adapters")
        page = write_report(recording, summary, options.report, maps)
        console.print(f"Report: {page}", highlight=False, soft_wrap=True)
    console.print(f"Kept in {folder}", highlight=False, soft_wrap=True)
    return summary


def _wish(options: ReplayOptions, visit: Visit, folder: Path, config: Config) -> SessionOptions:
    """What the session is to be. Without an expert's name the one that fits the session's answers."""
    fitting = config.expert.model if visit.answers == "truth" else RECORDED
    return SessionOptions(
        options.student, options.expert or fitting, options.warm_up, options.seed, folder,
        live=options.speed is not None,
    )  # fmt: skip


@dataclass(frozen=True)
class _Plays:
    """How a visit is played."""

    visit: Visit
    wish: SessionOptions
    config: Config
    pace: Pace

    def run(self, stage: Stage, one_room: bool = False) -> None:
        """From where it stopped to its end, and what that took."""
        limit, places = self.config.images.max_pixels, SessionFolders.below(self.wish.folder)
        baselines = baselines_of(stage.controller, self.wish.student, self.wish.warm_up)
        play(self.visit, stage.controller, baselines, limit, stage.past, self.pace, one_room)
        stage.controller.emit(measure_usage(places.memory, places.adapters, places.session))

    def in_one_room(self, console: Console) -> Summary:
        """The same again, with one memory and one adapter for all rooms; nothing of it is shown."""
        console.print("Once more, with all rooms taken for one.", highlight=False)
        again = replace(self, wish=replace(self.wish, folder=self.wish.folder / "one-room"))
        done = again.wish.folder / "session"
        if not _over(done, len(self.visit.turns)):
            with stage_session(again.visit, again.wish, again.config, _silent, one_room=True) as stage:
                again.run(stage, one_room=True)
        return summarise(read_recording(done).events)


def _over(session: Path, turns: int) -> bool:
    """Whether it was played to its end before."""
    if not (session / SESSION).exists():
        return False
    past = past_of("", read_recording(session).events)
    return past.ended and past.turn >= turns


def _silent(event: Event) -> None:
    return None


def _stamp() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
