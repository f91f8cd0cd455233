import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.audio import CHUNK, RATE, SILENCE, Block, Chunker, level


@pytest.mark.parametrize(
    ("amplitude", "expected"), [(1.0, 0.0), (0.1, -20.0), (0.0, SILENCE), (1e-9, SILENCE)]
)
def test_level_is_in_db_below_full_scale(amplitude: float, expected: float) -> None:
    assert level(np.full(100, amplitude, np.float32)) == pytest.approx(expected, abs=1e-4)


def test_nothing_is_silent() -> None:
    assert level(np.zeros(0, np.float32)) == SILENCE


@given(st.lists(st.integers(0, 2000), max_size=8), st.floats(0, 1e6))
def test_chunks_are_the_sound_itself_at_its_times(lengths: list[int], began: float) -> None:
    whole = np.arange(sum(lengths), dtype=np.float32)
    chunker, first = Chunker(), 0
    chunks: list[Block] = []
    for length in lengths:
        chunks += chunker.cut(Block(whole[first : first + length], began + first / RATE))
        first += length
    assert len(chunks) == len(whole) // CHUNK
    for number, chunk in enumerate(chunks):
        assert chunk.samples.tolist() == whole[number * CHUNK : (number + 1) * CHUNK].tolist()
        assert chunk.at == pytest.approx(began + number * CHUNK / RATE)
        assert chunk.ended == pytest.approx(began + (number + 1) * CHUNK / RATE)


def test_a_chunk_never_reaches_over_missing_sound() -> None:
    chunker = Chunker()
    assert not list(chunker.cut(Block(np.ones(500, np.float32), 10.0)))
    (chunk,) = chunker.cut(Block(np.zeros(600, np.float32), 12.0))
    assert chunk.at == 12.0 and not chunk.samples.any()
