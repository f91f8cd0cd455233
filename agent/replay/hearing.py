"""Spoken questions of a recording heard anew: what voice activity and Whisper make of them today."""

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


def by_ear(visit: Visit, config: VoiceConfig, console: Console) -> Visit:
    """The visit with what is heard in place of the words of every spoken question.

    A question of which nothing is heard is left out, as it would have been on site. What is heard otherwise
    than it was recorded is shown. Raises InputError when nothing was spoken or is heard, CaptureError,
    MissingDependencyError and WeightsError.
    """
    if not any(turn.audio for turn in visit.turns):
        raise InputError(_NONE)
    activity = open_voice_activity(config.activity, lambda note: console.print(escape(note)))
    whisper, rules = whisper_loader(config)(), replace(rules_of(config), open_microphone=True)
    turns = []
    for number, turn in enumerate(track(visit.turns, "Listening", console=console, transient=True), start=1):
        heard = _heard(turn, whisper, activity, rules)
        if not exact_match(heard, turn.question):
            said = f'"{heard}"' if heard else "nothing"
            console.print(f"{number:>3}  {turn.question}: heard {said}", markup=False, soft_wrap=True)
        if heard:
            turns.append(replace(turn, question=heard))
    if not turns:
        raise InputError("Nothing was heard in this session's sounds. Check voice.whisper: roomwise doctor")
    return replace(visit, turns=tuple(turns))


def _heard(turn: VisitTurn, whisper: Whisper, activity: VoiceActivity, rules: Rules) -> str:
    if turn.audio is None:
        return turn.question
    found = hear_file(turn.audio, whisper, activity, rules)
    return " ".join(one.text for one in found if isinstance(one, Transcript))
