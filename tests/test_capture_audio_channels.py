import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_sounds import hiss, voice

from capture.audio import RATE, level
from capture.audio_channels import Downmix, is_still

SAID = np.concatenate([np.zeros(RATE, np.float32), voice(2.0)])
NOISE = [hiss(3.0, 1e-3, seed) for seed in range(4)]


def _mixed(*channels: NDArray[np.float32], rate: int = RATE) -> NDArray[np.float32]:
    """As a sound card delivers it, 20 ms at a time."""
    frames, downmix = np.stack(channels, 1), Downmix(rate)
    return np.concatenate([downmix.mix(frames[at : at + 320]) for at in range(0, len(frames), 320)])


@pytest.mark.parametrize(
    "channels",
    [
        [SAID + NOISE[0]],
        [SAID + NOISE[0], SAID + NOISE[1]],
        [SAID + NOISE[0], -SAID + NOISE[1]],
        [SAID + NOISE[0], -0.4 * SAID + NOISE[1]],
        [SAID + NOISE[0], -SAID + NOISE[1], SAID + NOISE[2], -SAID + NOISE[3]],
        [SAID + NOISE[0], np.zeros_like(SAID)],
        [np.zeros_like(SAID), NOISE[1] / 10, SAID + NOISE[0], np.zeros_like(SAID)],
        [SAID + NOISE[0] + 0.4],
        [SAID + NOISE[0] - 0.6, 0.5 - SAID + NOISE[1]],
        [SAID + NOISE[0], np.full_like(SAID, np.nan)],
        [SAID + NOISE[0], np.full_like(SAID, 0.9)],
    ],
)
def test_what_was_said_is_heard_whatever_the_channels_do(channels: list[NDArray[np.float32]]) -> None:
    heard = _mixed(*channels)
    assert heard.dtype == np.float32 and np.abs(heard).max() <= 1.0
    assert level(heard[RATE:]) == pytest.approx(level(SAID[RATE:]), abs=3.5)
    assert abs(np.corrcoef(heard[RATE + 320 :], SAID[RATE + 320 :])[0, 1]) > 0.98
    assert level(heard[:RATE]) < -50.0


def test_one_channel_and_alike_ones_are_left_as_they_are() -> None:
    wave = voice(1.0) - voice(1.0)[:320].mean()
    for channels in ([wave], [wave] * 3):
        assert np.abs(_mixed(*channels) - wave).max() < 0.01
    assert np.array_equal(Downmix(RATE).mix(np.zeros(9)), np.zeros(9))
    assert len(Downmix(RATE).mix(np.zeros((0, 2)))) == 0


def test_nonsense_is_within_bounds() -> None:
    heard = Downmix(RATE).mix(np.array([[1.0, 0.0], [np.nan, 0.5], [np.inf, -np.inf], [3.0, 3.0]]))
    assert np.isfinite(heard).all() and np.abs(heard).max() <= 1.0


def test_digital_silence_is_told_from_a_quiet_room() -> None:
    assert is_still(np.zeros((9, 2))) and is_still(np.full((9, 1), 0.3)) and is_still(np.full((9, 1), np.nan))
    assert not is_still(NOISE[0][:9, None] / 100)
