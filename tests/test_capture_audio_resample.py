import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from capture.audio import RATE
from capture.audio_resample import Resampler

RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 3000), min_size=1, max_size=8), st.integers(0, 99))
def test_pieces_are_resampled_as_the_whole(rate: int, lengths: list[int], seed: int) -> None:
    whole = np.random.default_rng(seed).uniform(-1, 1, sum(lengths)).astype(np.float32)
    resampler, parts, first = Resampler(rate), [], 0
    for length in lengths:
        parts.append(resampler.push(whole[first : first + length]))
        first += length
        assert 0 <= resampler.behind <= 0.01
    parts.append(resampler.finish())
    common = np.gcd(rate, RATE)
    expected = resample_poly(whole, RATE // common, rate // common) if len(whole) else whole
    joined = np.concatenate(parts)
    assert joined.dtype == np.float32
    assert joined.shape == expected.shape
    np.testing.assert_allclose(joined, expected, atol=2e-5)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_the_same_tone_and_the_memory_small(rate: int) -> None:
    seconds, block = 2.0, rate // 50
    times = np.arange(int(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * 440 * times).astype(np.float32)
    resampler = Resampler(rate)
    parts = [resampler.push(tone[first : first + block]) for first in range(0, len(tone), block)]
    joined = np.concatenate([*parts, resampler.finish()])
    middle = slice(RATE // 10, -RATE // 10)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(joined)) / RATE)
    assert np.abs(joined - expected)[middle].max() < 0.01
    assert len(resampler._kept) < 2 * rate // 10


@pytest.mark.parametrize("rate", [0, 100, 10_000_000])
def test_no_sound_card_has_such_a_rate(rate: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Resampler(rate)
