"""One replay from a folder to its summary; called by `roomwise replay` and the benches."""

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.text import Text

from agent.looking.turns import turn_maps
from agent.loop.build import RECORDED, SessionFolders, SessionOptions, Stage, stage_session
from agent.machine.meters import measure_usage
from agent.recording.past import past_of
from agent.recording.record import SESSION, read_recording, time_stamp
from agent.recording.summary import Summary, summarise
from agent.recording.visit import Visit, VisitTurn, read_visit
from agent.replay.outcome import show_summary
from agent.replay.pace import Pace
from agent.replay.replay import open_baselines, play
from agent.replay.report import write_report
from agent.replay.show import Watcher
from capture.audio_again import hear_file
from capture.audio_judged import Rules, rules_of
from capture.audio_whisper import Whisper, whisper_loader
from capture.transcribe import Transcript
from capture.voice_activity import VoiceActivity, open_voice_activity
from core.config import Config
from core.errors import InputError, RoomwiseError
from core.events import Event
from core.files import state_dir
from core.scoring import exact_match
from core.sections import VoiceConfig
from core.text import printable

_NONE = (
    "No question of this session was spoken and recorded. Leave --from-audio out, or name sound files as "
    "audio in its session.json."
)


def hear_questions(visit: Visit, config: VoiceConfig, console: Console) -> Visit:
    """The visit with every spoken question as it is heard now. Inaudible questions are left out, as they
    would have been on site; differing ones are printed. Raises InputError when nothing was spoken or is
    heard, CaptureError, MissingDependencyError and WeightsError.
    """
    if not any(turn.audio for turn in visit.turns):
        raise InputError(_NONE)
    activity = open_voice_activity(config.activity, lambda note: _print(console, note))
    whisper, rules = whisper_loader(config)(), replace(rules_of(config), open_microphone=True)
    turns = []
    for number, turn in enumerate(track(visit.turns, "Listening", console=console, transient=True), start=1):
        question = _transcribe(turn, whisper, activity, rules)
        if not exact_match(question, turn.question):
            quoted = f'"{question}"' if question else "nothing"
            _print(console, f"{number:>3}  {turn.question}: heard {quoted}")
        if question:
            turns.append(replace(turn, question=question))
    if not turns:
        raise InputError("Nothing was heard in this session's sounds. Check voice.whisper: roomwise doctor")
    return replace(visit, turns=tuple(turns))


def _transcribe(turn: VisitTurn, whisper: Whisper, activity: VoiceActivity, rules: Rules) -> str:
    if turn.audio is None:
        return turn.question
    results = hear_file(turn.audio, whisper, activity, rules)
    return " ".join(result.text for result in results if isinstance(result, Transcript))


@dataclass(frozen=True)
class ReplayOptions:
    """A session folder to replay. Without an `expert` it is the configured one where the session's answers
    are true, else those answers.
    """

    session: Path
    student: str
    expert: str | None = None
    warm_up: int = 10
    seed: int = 0
    out: Path | None = None
    """Folder for all results; a session that is unfinished there continues. Default: a new one."""
    report: Path | None = None
    """Folder for the report."""
    speed: float | None = None
    """Divides the recorded pauses; no adaptation is waited for. None: no pauses, each one waited for."""
    quiet: bool = False
    aside: bool = False
    """Print on stderr."""
    from_audio: bool = False
    """Ask what is heard in the session's sounds."""
    one_room: bool = False
    """Replay again in `out`/one-room, with all rooms taken for one."""


def replay_session(options: ReplayOptions, config: Config) -> Summary:
    """Replay a folder, show what happens, and keep everything. Raises InputError, ImageError,
    UnknownModelError, WeightsError, StorageError; what was answered is kept.
    """
    visit = read_visit(options.session)
    if options.from_audio:
        visit = hear_questions(visit, config.voice, Console(quiet=options.quiet, stderr=True))
    folder = options.out if options.out is not None else state_dir() / "replays" / time_stamp()
    console = Console(quiet=options.quiet, stderr=options.aside)
    watch = _silent if options.quiet else Watcher(console)
    plays = _Plays(visit, _session_options(options, visit, folder, config), config, Pace(options.speed))
    with stage_session(visit, plays.options, config, watch) as stage:
        try:
            plays.run(stage)
        except (RoomwiseError, KeyboardInterrupt):
            _print(console, f"What was answered is kept: the same with --out {folder} goes on.")
            raise
    recording = read_recording(folder / "session")
    summary = summarise(recording.events)
    if options.one_room:
        summary = replace(summary, one_room=plays.in_one_room(console))
    show_summary(summary, console)
    if options.report is not None:
        maps = turn_maps(recording, summary, folder / "adapters")
        page = write_report(recording, summary, options.report, maps)
        _print(console, f"Report: {page}")
    _print(console, f"Kept in {folder}")
    return summary


def _print(console: Console, words: str) -> None:
    console.print(Text(printable(words)), highlight=False, soft_wrap=True)


def _session_options(options: ReplayOptions, visit: Visit, folder: Path, config: Config) -> SessionOptions:
    """The session's options; without an expert's name the one that fits the session's answers."""
    fitting = config.expert.model if visit.answers == "truth" else RECORDED
    return SessionOptions(
        options.student, options.expert or fitting, options.warm_up, options.seed, folder,
        live=options.speed is not None,
    )  # fmt: skip


@dataclass(frozen=True)
class _Plays:
    visit: Visit
    options: SessionOptions
    config: Config
    pace: Pace

    def run(self, stage: Stage, one_room: bool = False) -> None:
        """Play from where it stopped to its end, and measure what that took."""
        max_pixels, folders = self.config.images.max_pixels, SessionFolders.below(self.options.folder)
        baselines = open_baselines(stage.controller, self.options.student, self.options.warm_up)
        play(self.visit, stage.controller, baselines, max_pixels, stage.past, self.pace, one_room)
        stage.controller.emit(measure_usage(folders.memory, folders.adapters, folders.session))

    def in_one_room(self, console: Console) -> Summary:
        """Replay silently with one memory and one adapter for all rooms."""
        console.print("Once more, with all rooms taken for one.", highlight=False)
        again = replace(self, options=replace(self.options, folder=self.options.folder / "one-room"))
        session = again.options.folder / "session"
        if not _is_finished(session, len(self.visit.turns)):
            with stage_session(again.visit, again.options, again.config, _silent, one_room=True) as stage:
                again.run(stage, one_room=True)
        return summarise(read_recording(session).events)


def _is_finished(session: Path, turns: int) -> bool:
    if not (session / SESSION).exists():
        return False
    past = past_of("", read_recording(session).events)
    return past.ended and past.turn >= turns


def _silent(event: Event) -> None:
    return None
