"""`roomwise bench voice`: from spoken question to text, and what is heard where nobody speaks.

Everything but the microphone is what a session uses: a sound file in its place, resampling, voice activity,
utterances, Whisper, filters. The file is read as fast as it goes; how long one waits is counted in the
file's own time up to where the utterance is handed over, and on the wall after it.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.stats import binomtest

from agent.recording.visit import DEMO
from bench.measure.intervals import Interval, bootstrap_percentile, bootstrap_ratio
from bench.measure.options import Json
from bench.measure.report import Report, Row, emit, measured
from bench.voice.sounds import (
    NOTHING,
    RATE,
    VOICES,
    in_noise,
    nothing,
    save,
    sentences,
    speak,
    word_errors,
    words,
)
from capture.audio import Block
from capture.audio_file import FileMicrophone
from capture.audio_judged import Rules
from capture.audio_listener import Listener
from capture.audio_whisper import Whisper, load_whisper, whisper_folder
from capture.transcribe import Transcript, transcribe
from capture.utterance import Segmenter, Utterance
from capture.voice_activity import VoiceActivity, open_voice_activity
from core.config import load_config
from core.sections import VoiceConfig
from models.images import load_image
from models.registry import load_model

NOISES: dict[str, float | None] = {"none": None, "20 dB": 20.0, "10 dB": 10.0}
_LEAD = 1.0  # seconds before a sentence
_TRY = 5.0  # seconds of a room where nobody speaks
_KEY = (1.0, 4.5)  # when the key is held in it

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class HeardFile:
    """What came of one file: the texts that were heard, and how many utterances Whisper was given.

    Of the last utterance: `ended` in seconds of the file; `seconds` and `processor` to transcribe it, on the
    wall and of all cores; `answer_seconds` on the wall to its answer. All NaN where there was none.
    """

    texts: tuple[str, ...]
    utterances: int
    ended: float
    seconds: float
    processor: float
    answer_seconds: float = float("nan")


@dataclass(frozen=True)
class Spoken:
    """A sentence, what was heard of it, and when it had ended in its file."""

    sentence: str
    ended: float
    hearing: HeardFile


class Ear:
    """All of a session's hearing but the microphone; `answer` is given what was heard."""

    def __init__(
        self,
        whisper: Whisper,
        activity: VoiceActivity,
        config: VoiceConfig,
        answer: Callable[[str], object] = lambda text: None,
    ) -> None:
        self._whisper, self._activity, self._config, self._answer = whisper, activity, config, answer
        self._now = 0.0
        self._utterances: list[tuple[str, float, float, float, float]] = []

    def listen(self, path: Path, key: tuple[float, float] | None) -> HeardFile:
        """Hear a file, with an open microphone or with a key held from and to so many seconds."""
        self._activity.reset()
        self._utterances = []
        microphone = FileMicrophone(path, real_time=False, clock=lambda: 0.0)
        config = self._config
        rules = Rules(
            open_microphone=key is None, pause=config.pause_seconds, shortest=config.shortest_seconds,
            longest=config.longest_seconds, above_floor=config.above_room_db,
        )  # fmt: skip
        listener = Listener(microphone, self._activity, Segmenter(rules), self._transcribe)
        if key is not None:
            listener.press(key[0])
            listener.release(key[1])
        for block in _blocks(microphone):
            self._now = block.ended
            listener.hear(block)
        last = self._utterances[-1][1:] if self._utterances else (float("nan"),) * 4
        return HeardFile(tuple(text for text, *_ in self._utterances if text), len(self._utterances), *last)

    def _transcribe(self, utterance: Utterance) -> None:
        began, processor = time.perf_counter(), time.process_time()
        result = transcribe(self._whisper, utterance)
        seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor
        text = result.text if isinstance(result, Transcript) else ""
        if text:
            self._answer(text)
        answer_seconds = time.perf_counter() - began
        self._utterances.append((text, self._now, seconds, processor_seconds, answer_seconds))


@app.command()
def voice(
    whisper: Annotated[
        str | None, typer.Option("--whisper", help="A checkpoint's path, or a name. Default: voice.whisper.")
    ] = None,
    spoken: Annotated[int, typer.Option("--sentences", min=2, help="Sentences, each in every noise.")] = 24,
    tries: Annotated[int, typer.Option("--tries", min=4, help="Rooms where nobody speaks.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="For sentences, noise and intervals.")] = 0,
    as_json: Json = False,
) -> None:
    """Count words heard wrong and seconds from the end of speech to its text, with and without noise.

    Then listen to near-silence, hum, a fan and clicks, with an open microphone and with the key held: none
    of it should give a question. Speaks with espeak-ng.

    Example: roomwise bench voice --whisper tiny.en.pt --json
    """
    config = load_config().voice
    model = whisper if whisper is not None else config.whisper
    loaded = load_whisper(config.engine, model, whisper_folder(config), config.language, config.hint)
    activity = open_voice_activity(config.activity, lambda note: typer.echo(note, err=True))
    loaded.draft(np.zeros(RATE, np.float32))
    ear, result = Ear(loaded, activity, config, _answerer()), list[Row]()
    with tempfile.TemporaryDirectory() as folder:
        for noise, decibels in NOISES.items():
            typer.echo(f"{spoken} sentences, noise: {noise}", err=True)
            result += spoken_rows(noise, list(say(ear, Path(folder), spoken, decibels, seed)), seed)
        every_hearing: list[tuple[HeardFile, HeardFile]] = []
        for kind in NOTHING:
            typer.echo(f"{tries // len(NOTHING)} rooms: {kind}", err=True)
            hearings = list(wait(ear, Path(folder), kind, tries // len(NOTHING), seed))
            result += nothing_rows(kind, hearings)
            every_hearing += hearings
        result += nothing_rows("all", every_hearing)
    identity: Row = {"model": Path(model).stem, "activity": activity.name}
    emit(Report("bench voice", seed, [identity | row for row in result]), json=as_json)


def _answerer() -> Callable[[str], object]:
    """Answers by the student, each time looking anew at a picture of the demo."""
    student = load_model(load_config().student.model)
    picture = load_image(next(DEMO.glob("frame-*.jpg")), load_config().images.max_pixels)
    student.answer(picture, "What is there?")
    return lambda text: student.answer(picture, text)


def say(ear: Ear, folder: Path, count: int, decibels: float | None, seed: int) -> Iterator[Spoken]:
    """Speak sentences into an open microphone, by voices in turn."""
    for number, sentence in enumerate(sentences(count, seed)):
        rng = np.random.default_rng([seed, number])
        speech, rate = speak(sentence, VOICES[number % len(VOICES)])
        path = folder / "sound.wav"
        save(path, in_noise(speech, rate, decibels, rng), rate)
        yield Spoken(sentence, _LEAD + len(speech) / rate, ear.listen(path, None))


def wait(ear: Ear, folder: Path, kind: str, count: int, seed: int) -> Iterator[tuple[HeardFile, HeardFile]]:
    """Listen to rooms where nobody speaks: with an open microphone, and with the key held."""
    for number in range(count):
        rng = np.random.default_rng([seed, list(NOTHING).index(kind), number])
        path = folder / "sound.wav"
        save(path, nothing(kind, _TRY, rng), RATE)
        yield ear.listen(path, None), ear.listen(path, _KEY)


def spoken_rows(noise: str, trials: Sequence[Spoken], seed: int) -> list[Row]:
    """Word error rate, sentences of which nothing was heard, seconds from the end of speech to text, and to
    the student's answer.
    """
    references = [words(trial.sentence) for trial in trials]
    errors = [
        word_errors(reference, words(" ".join(trial.hearing.texts)))
        for reference, trial in zip(references, trials, strict=True)
    ]
    rate = bootstrap_ratio(errors, [len(reference) for reference in references], seed=seed)
    unheard = share([not trial.hearing.texts for trial in trials])
    result = [
        measured(rate, metric="word_error_rate", noise=noise),
        measured(unheard, metric="nothing_heard", noise=noise),
    ]
    heard_trials = [trial for trial in trials if trial.hearing.utterances]
    delays = [trial.hearing.ended - trial.ended + trial.hearing.seconds for trial in heard_trials]
    processor = [trial.hearing.processor for trial in heard_trials]
    answers = [
        trial.hearing.ended - trial.ended + trial.hearing.answer_seconds
        for trial in heard_trials
        if trial.hearing.texts
    ]
    times = {"speech_to_text_s": delays, "speech_to_answer_s": answers, "whisper_processor_s": processor}
    for percentile in (50, 95):
        for metric, values in times.items():
            interval = bootstrap_percentile(values, percentile, seed=seed)
            result.append(measured(interval, metric=metric, noise=noise, statistic=f"p{percentile}"))
    return result


def nothing_rows(kind: str, tries: Sequence[tuple[HeardFile, HeardFile]]) -> list[Row]:
    """How often a room where nobody speaks gave a question, and how often Whisper was asked."""
    result = []
    for column, method in enumerate(("open", "key")):
        listened = [pair[column] for pair in tries]
        for metric, outcomes in (
            ("questions", [bool(hearing.texts) for hearing in listened]),
            ("whisper_asked", [hearing.utterances > 0 for hearing in listened]),
        ):
            result.append(measured(share(outcomes), metric=metric, sound=kind, method=method))
    return result


def share(outcomes: Sequence[bool]) -> Interval:
    """How many of independent tries, at least one, with Wilson's interval: none of few is not never."""
    rate = binomtest(sum(outcomes), len(outcomes))
    low, high = rate.proportion_ci(method="wilson")
    return Interval(rate.statistic, float(low), float(high), len(outcomes))


def _blocks(microphone: FileMicrophone) -> Iterator[Block]:
    microphone.start()
    while not microphone.ended:
        block = microphone.read(0.0)
        if block is not None:
            yield block
    microphone.close()
