from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from capture.audio import CHUNK, Block, Samples
from capture.audio_judged import SECONDS, Rules
from capture.utterance import Segmenter, Utterance

OPEN = Rules(open_microphone=True)
SHORT = replace(OPEN, longest=1.5, pause=0.3, pre_roll=0.15)
LOUD, QUIET = 0.2, 0.0005
BEGAN = 50.0

# Runs of chunks: how many, how likely speech, how loud.
RUNS = st.lists(
    st.tuples(
        st.integers(1, 40), st.sampled_from([0.0, 0.2, 0.4, 0.9]), st.sampled_from([QUIET, 0.01, LOUD])
    ),
    max_size=12,
)


def _sound(runs: list[tuple[int, float, float]]) -> tuple[list[Samples], list[float]]:
    """Chunks that differ in every sample, and how likely each is speech."""
    sound, likely, number = [], [], 0
    for count, probability, loudness in runs:
        for _ in range(count):
            signs = np.where(np.arange(CHUNK) % 2, 1.0, -1.0)
            sound.append((loudness * signs * (1 + number / 5000)).astype(np.float32))
            likely.append(probability)
            number += 1
    return sound, likely


def _play(segmenter: Segmenter, sound: list[Samples], likely: list[float]) -> list[Utterance]:
    given = []
    for number, (samples, probability) in enumerate(zip(sound, likely, strict=True)):
        given += segmenter.take(Block(samples, BEGAN + number * SECONDS), probability)
    return given + segmenter.end()


def _span(utterance: Utterance, sound: list[Samples]) -> tuple[int, int]:
    """First and last chunk + 1 of an utterance, whose samples must be just those."""
    first = round((utterance.at - BEGAN) / SECONDS)
    last = first + len(utterance.samples) // CHUNK
    assert np.array_equal(utterance.samples, np.concatenate(sound[first:last]))
    return first, last


@settings(max_examples=150, deadline=None)
@given(RUNS, st.sampled_from([OPEN, SHORT]))
@example([(5, 0.0, QUIET), (40, 0.9, 0.01), (7, 0.0, QUIET), (7, 0.9, 0.01)], SHORT)  # a piece, a pause, more
@example([(5, 0.0, QUIET), (40, 0.9, 0.01), (7, 0.2, QUIET), (1, 0.9, 0.01)], SHORT)  # too short for itself
def test_sound_is_given_once_in_order_and_within_bounds(
    runs: list[tuple[int, float, float]], rules: Rules
) -> None:
    sound, likely = _sound(runs)
    end = 0
    for utterance in _play(Segmenter(rules), sound, likely):
        first, last = _span(utterance, sound)
        assert first >= end
        assert utterance.continues <= (first == end)
        assert (last - first) * SECONDS <= rules.longest
        assert utterance.at <= utterance.began < utterance.ended <= BEGAN + last * SECONDS + 1e-6
        speech = sum(value >= rules.go_on for value in likely[first:last]) * SECONDS
        assert speech >= rules.shortest or utterance.continues
        assert utterance.level >= rules.least_level
        end = last


@settings(max_examples=150, deadline=None)
@given(RUNS, st.integers(8, 90), RUNS, st.sampled_from([OPEN, SHORT]))
def test_clear_speech_is_never_lost_with_what_comes_just_before_it(
    before: list[tuple[int, float, float]], length: int, after: list[tuple[int, float, float]], rules: Rules
) -> None:
    quiet = [(40, 0.0, QUIET)]
    sound, likely = _sound([*before, *quiet, (length, 0.9, LOUD), *quiet, *after])
    first = sum(run[0] for run in [*before, *quiet])
    assume(_clear(before))
    given = [_span(utterance, sound) for utterance in _play(Segmenter(rules), sound, likely)]
    covered = {chunk for span in given for chunk in range(*span)}
    assert set(range(first - int(rules.pre_roll / SECONDS) + 1, first + length)) <= covered


def _clear(runs: list[tuple[int, float, float]]) -> bool:
    """Whether what came before leaves the room's floor well below speech."""
    return sum(count for count, _, loudness in runs if loudness == LOUD) <= sum(
        count for count, _, loudness in runs if loudness == QUIET
    )


@settings(max_examples=80, deadline=None)
@given(RUNS, st.booleans())
def test_silence_and_noise_that_is_no_speech_give_nothing(
    runs: list[tuple[int, float, float]], open_microphone: bool
) -> None:
    rules = Rules(open_microphone=open_microphone)
    silent = [(count, probability, QUIET) for count, probability, _ in runs]
    segmenter = Segmenter(rules)
    segmenter.press(BEGAN)
    assert not _play(segmenter, *_sound(silent))
    noise = [(count, 0.1, loudness) for count, _, loudness in runs]
    segmenter = Segmenter(rules)
    segmenter.press(BEGAN)
    assert not _play(segmenter, *_sound(noise))


@pytest.mark.parametrize("chunks", [1, 5, 7])
def test_a_click_is_no_utterance(chunks: int) -> None:
    sound, likely = _sound([(50, 0.0, QUIET), (chunks, 0.9, LOUD), (50, 0.0, QUIET)])
    assert not _play(Segmenter(OPEN), sound, likely)


def test_it_is_given_after_the_pause_and_knows_when_speech_began() -> None:
    sound, likely = _sound([(40, 0.0, QUIET), (30, 0.9, LOUD), (40, 0.0, QUIET)])
    segmenter, when = Segmenter(OPEN), -1
    for number, (samples, probability) in enumerate(zip(sound, likely, strict=True)):
        if given := segmenter.take(Block(samples, BEGAN + number * SECONDS), probability):
            when = number
            (utterance,) = given
    assert (when - 69) * SECONDS == pytest.approx(OPEN.pause, abs=SECONDS)
    assert utterance.began == pytest.approx(BEGAN + 40 * SECONDS)
    assert utterance.ended == pytest.approx(BEGAN + 70 * SECONDS)
    assert utterance.at == pytest.approx(utterance.began - OPEN.pre_roll, abs=SECONDS)
    assert utterance.level - utterance.floor > 30 and utterance.speech == pytest.approx(0.9)
    assert not segmenter.speaking


def test_a_minute_without_a_pause_is_cut_where_it_is_quietest_and_goes_on() -> None:
    sound, likely = _sound([(40, 0.0, QUIET), (1900, 0.9, LOUD)])
    for dip in (900, 1700):
        sound[dip] *= 0.5
    pieces = _play(Segmenter(OPEN), sound, likely)
    spans = [_span(piece, sound) for piece in pieces]
    assert [before[1] == after[0] for before, after in pairwise(spans)] == [True] * 2
    assert spans[0][1] == 901 and spans[-1][1] == 1940
    assert [piece.continues for piece in pieces] == [False, True, True]


def test_missing_sound_ends_an_utterance() -> None:
    sound, likely = _sound([(40, 0.0, QUIET), (20, 0.9, LOUD)])
    segmenter = Segmenter(OPEN)
    for number, (samples, probability) in enumerate(zip(sound, likely, strict=True)):
        assert not segmenter.take(Block(samples, number * SECONDS), probability)
    (given,) = segmenter.take(Block(sound[0], 1000.0), 0.0)
    assert given.ended == pytest.approx(60 * SECONDS)


def _by_key(
    press: float, release: float, told_at: int, runs: list[tuple[int, float, float]]
) -> list[Utterance]:
    """Utterances where press and release are told only when so many chunks are there already."""
    sound, likely = _sound(runs)
    segmenter, given = Segmenter(Rules()), []
    for number, (samples, probability) in enumerate(zip(sound, likely, strict=True)):
        if number == told_at:
            segmenter.press(BEGAN + press)
            segmenter.release(BEGAN + release)
        given += segmenter.take(Block(samples, BEGAN + number * SECONDS), probability)
    for utterance in given:
        _span(utterance, sound)
    return given


@pytest.mark.parametrize("told_at", [0, 60, 110])
def test_a_key_gives_what_was_said_while_it_was_held_however_late_that_is_told(told_at: int) -> None:
    runs = [(50, 0.0, QUIET), (20, 0.9, LOUD), (10, 0.0, QUIET), (20, 0.9, LOUD), (40, 0.0, QUIET)]
    (utterance,) = _by_key(55 * SECONDS, 100 * SECONDS, told_at, runs)
    assert utterance.at == pytest.approx(BEGAN + 55 * SECONDS - 0.3, abs=SECONDS)
    assert utterance.began == pytest.approx(BEGAN + 50 * SECONDS)
    assert utterance.ended == pytest.approx(BEGAN + 100 * SECONDS)


def test_without_a_key_nothing_is_given_and_a_whisper_is_with_one() -> None:
    runs = [(50, 0.0, QUIET), (20, 0.2, 0.01), (40, 0.0, QUIET)]
    assert not _by_key(500.0, 600.0, 0, runs)
    assert not _play(Segmenter(OPEN), *_sound(runs))
    assert len(_by_key(48 * SECONDS, 72 * SECONDS, 0, runs)) == 1


def test_a_key_held_for_a_minute_of_silence_gives_what_is_said_at_last() -> None:
    runs = [(1800, 0.0, QUIET), (20, 0.9, LOUD), (10, 0.0, QUIET)]
    segmenter = Segmenter(Rules())
    segmenter.press(BEGAN)
    (utterance,) = _play(segmenter, *_sound(runs))
    assert len(utterance.samples) <= 30 * 16_000 and not utterance.continues
    assert utterance.began == pytest.approx(BEGAN + 1800 * SECONDS)


def test_rules_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(ValueError, match="no utterance"):
        Segmenter(replace(OPEN, longest=0.1))
