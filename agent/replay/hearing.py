"""Transcribes a recording's spoken questions anew."""

from dataclasses import replace

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from agent.recording.visit import Visit, VisitTurn
from capture.audio_again import hear_file
from capture.audio_judged import Rules, rules_of
from capture.audio_whisper import Whisper, whisper_loader
from capture.transcribe import Transcript
from capture.voice_activity import VoiceActivity, open_voice_activity
from core.errors import InputError
from core.scoring import exact_match
from core.sections import VoiceConfig

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
    activity = open_voice_activity(config.activity, lambda note: console.print(escape(note)))
    whisper, rules = whisper_loader(config)(), replace(rules_of(config), open_microphone=True)
    turns = []
    for number, turn in enumerate(track(visit.turns, "Listening", console=console, transient=True), start=1):
        question = _transcribe(turn, whisper, activity, rules)
        if not exact_match(question, turn.question):
            quoted = f'"{question}"' if question else "nothing"
            console.print(f"{number:>3}  {turn.question}: heard {quoted}", markup=False, soft_wrap=True)
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
