import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.audio import RATE, Samples
from capture.audio_resample import Resampler

RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000]
BEHIND = 0.15
"""Seconds. The library works on blocks of so many samples, which last longest at the lowest rates."""


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 3000), min_size=1, max_size=8), st.integers(0, 99))
def test_pieces_are_resampled_as_the_whole(rate: int, lengths: list[int], seed: int) -> None:
    whole = np.random.default_rng(seed).uniform(-1, 1, sum(lengths)).astype(np.float32)
    resampler, parts, first = Resampler(rate), [], 0
    for length in lengths:
        parts.append(resampler.push(whole[first : first + length]))
        first += length
        assert 0 <= resampler.behind <= BEHIND
    parts.append(resampler.finish())
    assert abs(resampler.behind) <= 1 / RATE
    joined = np.concatenate(parts)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined, soxr.resample(whole, rate, RATE, "MQ"), atol=2e-5)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_the_same_tone_at_the_same_time(rate: int) -> None:
    joined = _resampled(440, rate)
    middle = slice(RATE // 10, -RATE // 10)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(joined)) / RATE)
    assert np.abs(joined - expected)[middle].max() < 0.01


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
def test_a_tone_that_16_khz_cannot_tell_is_gone(rate: int) -> None:
    assert np.abs(_resampled(10_000, rate)[RATE // 10 : -RATE // 10]).max() < 1e-3


def _resampled(hertz: float, rate: int) -> Samples:
    """Two seconds of a tone, pushed in fiftieths of a second."""
    tone = np.sin(2 * np.pi * hertz * np.arange(2 * rate) / rate).astype(np.float32)
    resampler, block = Resampler(rate), rate // 50
    parts = [resampler.push(tone[first : first + block]) for first in range(0, len(tone), block)]
    return np.concatenate([*parts, resampler.finish()])


@pytest.mark.parametrize("rate", [0, 100, 10_000_000])
def test_no_sound_card_has_such_a_rate(rate: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Resampler(rate)
