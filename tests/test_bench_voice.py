import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roomwise
from bench.voice.bench import Ear, HeardFile, Spoken, nothing_rows, say, share, spoken_rows, wait
from bench.voice.sounds import (
    NOTHING,
    RATE,
    VOICES,
    in_noise,
    nothing,
    pink,
    save,
    sentences,
    speak,
    word_errors,
    words,
)
from capture.audio import Samples
from capture.audio_inventions import Draft
from capture.voice_activity import EnergyGate
from core.errors import CaptureError
from core.lazy import run
from core.sections import VoiceConfig

NAN = math.nan
WORDS = st.lists(st.sampled_from("a b c d".split()), max_size=8)
espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("what colour is the sofa", "What color is the sofa?", 0),
        ("how many chairs", "How many cares?", 1),
        ("is there a lamp here", "is there lamp", 2),
        ("", "thank you", 2),
        ("what is on the table", "", 5),
        ("the tv's on 2 shelves", "The TVs on two shelves.", 0),
        ("is the bin on the left", "the bin is on the left", 2),
    ],
)
def test_word_errors_of_known_pairs(said: str, heard: str, errors: int) -> None:
    assert word_errors(words(said), words(heard)) == errors


@given(WORDS, WORDS, WORDS)
def test_word_errors_are_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    assert word_errors(one, one) == 0
    assert word_errors(one, two) == word_errors(two, one)
    assert abs(len(one) - len(two)) <= word_errors(one, two) <= max(len(one), len(two))
    assert word_errors(one, three) <= word_errors(one, two) + word_errors(two, three)


@given(WORDS, st.integers(0, 7), st.sampled_from("xyz"))
def test_one_word_more_is_one_error(said: list[str], where: int, word: str) -> None:
    assert word_errors(said, [*said[:where], word, *said[where:]]) == 1


def test_sentences_are_questions_without_gaps_and_the_same_for_a_seed() -> None:
    made = sentences(60, 3)
    assert made == sentences(60, 3) != sentences(60, 4)
    assert not any("{" in sentence for sentence in made)
    assert len(set(made)) > 50


@pytest.mark.parametrize("kind", NOTHING)
def test_rooms_where_nobody_speaks_differ_and_stay_within_full_scale(kind: str) -> None:
    first, second = (nothing(kind, 3.0, np.random.default_rng(seed)) for seed in (0, 1))
    assert len(first) == 3 * RATE and not np.allclose(first, second)
    assert np.isfinite(first).all() and np.sqrt(np.mean(first**2)) < 0.1


@pytest.mark.parametrize("decibels", [20.0, 10.0])
def test_noise_lies_so_far_below_speech(decibels: float) -> None:
    speech = np.sin(np.arange(RATE) / 10)
    made = in_noise(speech, RATE, decibels, np.random.default_rng(0))
    noise = made - np.concatenate([np.zeros(RATE), speech, np.zeros(RATE + RATE // 2)])
    ratio = 20 * np.log10(np.sqrt(np.mean(speech**2) / np.mean(noise**2)))
    assert ratio == pytest.approx(decibels, abs=0.01)
    assert np.sqrt(np.mean(pink(1000, np.random.default_rng(1)) ** 2)) == pytest.approx(1.0)


class Parrot:
    """A Whisper that always hears the same, surely."""

    def draft(self, samples: Samples) -> Draft:
        return Draft("what is it", 0.0, -0.1, 1.0)


def _ear() -> Ear:
    return Ear(Parrot(), EnergyGate(), VoiceConfig())


@espeak
def test_what_was_heard_is_answered_before_the_clock_stops(tmp_path: Path) -> None:
    asked: list[str] = []
    ear = Ear(Parrot(), EnergyGate(), VoiceConfig(), asked.append)
    (trial,) = say(ear, tmp_path, 1, None, 0)
    listened = trial.hearing
    assert tuple(asked) == listened.texts and listened.answer_seconds >= listened.seconds


def test_rows_hold_errors_of_all_words_and_seconds_after_the_end() -> None:
    trials = [
        Spoken("what is this", 2.0, HeardFile(("what is it",), 1, 2.7, 0.3, 0.2, 0.5)),
        Spoken("what is it here", 2.0, HeardFile(("what is", "it here"), 2, 2.6, 0.2, 0.1, 0.3)),
        Spoken("nobody heard this", 2.0, HeardFile((), 0, NAN, NAN, NAN)),
    ]
    rows = {(row["metric"], row.get("statistic")): row for row in spoken_rows("none", trials, 0)}
    assert rows["word_error_rate", None]["mean"] == pytest.approx(4 / 10)
    assert rows["nothing_heard", None]["mean"] == pytest.approx(1 / 3)
    assert rows["speech_to_text_s", "p50"]["mean"] == pytest.approx(0.9)
    assert rows["speech_to_text_s", "p50"]["n"] == 2
    assert rows["speech_to_answer_s", "p50"]["mean"] == pytest.approx(1.05)
    assert rows["whisper_processor_s", "p50"]["mean"] == pytest.approx(0.15)
    silent = spoken_rows("none", trials[2:] * 2, 0)
    assert math.isnan(float(silent[-1]["mean"] or 0.0))


def test_rows_of_nothing_count_questions_for_each_way_to_listen() -> None:
    asked, quiet = HeardFile(("you",), 1, 1.0, 1.0, 1.0), HeardFile((), 1, 1.0, 1.0, 1.0)
    none = HeardFile((), 0, NAN, NAN, NAN)
    rows = nothing_rows("hum", [(none, asked), (quiet, none)])
    found = {(row["method"], row["metric"]): row["mean"] for row in rows}
    assert found == {
        ("open", "questions"): 0.0, ("open", "whisper_asked"): 0.5,
        ("key", "questions"): 0.5, ("key", "whisper_asked"): 0.5,
    }  # fmt: skip


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_share_lies_within_its_interval_and_none_of_few_is_not_never(found: list[bool]) -> None:
    mean, low, high, n = share(found)
    assert 0.0 <= low <= mean + 1e-12 and mean - 1e-12 <= high <= 1.0 and n == len(found)
    assert high > low
    mirrored = share([not one for one in found])
    assert [mirrored.low, mirrored.high] == pytest.approx([1 - high, 1 - low])


def test_a_share_of_known_tries() -> None:
    assert share([False] * 100)[1:3] == pytest.approx((0.0, 0.0370), abs=1e-4)
    assert share([True] * 5 + [False] * 5)[1:3] == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_rooms_are_listened_to_both_ways(tmp_path: Path) -> None:
    (pair,) = wait(_ear(), tmp_path, "near-silence", 1, 0)
    assert [listened.texts for listened in pair] == [(), ()]


@espeak
def test_a_sentence_is_spoken_heard_and_timed(tmp_path: Path) -> None:
    speech, rate = speak("What is on the table?", VOICES[0])
    assert rate == 22_050 and 0.5 < len(speech) / rate < 4.0
    save(tmp_path / "key.wav", in_noise(speech, rate, None, np.random.default_rng(0)), rate)
    ended = 1.0 + len(speech) / rate
    listened = _ear().listen(tmp_path / "key.wav", (0.9, ended + 0.1))
    assert listened.texts == ("what is it",) and listened.ended == pytest.approx(ended + 0.3, abs=0.1)
    (trial,) = say(_ear(), tmp_path, 1, 20.0, 0)
    assert trial.hearing.texts and trial.hearing.ended > trial.ended
    assert trial.hearing.seconds >= 0


def test_without_espeak_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(CaptureError, match="apt install espeak-ng"):
        speak("x", VOICES[0])


@espeak
def test_the_command_prints_one_json_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.voice.bench.load_whisper", lambda *asked: Parrot())
    monkeypatch.setattr("bench.voice.bench.open_voice_activity", lambda *asked: EnergyGate())
    args = ["bench", "voice", "--whisper", "some/tiny.en.pt", "--sentences", "2", "--tries", "4", "--json"]
    assert run(roomwise.app, "roomwise", args) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["command"] == "bench voice"
    assert {row["model"] for row in report["rows"]} == {"tiny.en"}
    assert {row["metric"] for row in report["rows"]} >= {"word_error_rate", "questions", "speech_to_text_s"}
