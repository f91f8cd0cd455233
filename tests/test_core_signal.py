import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StorageError
from core.signal import TeacherSignal


def signal(maps: bool = True) -> TeacherSignal:
    rng = np.random.default_rng(0)
    tokens = 3 if maps else 0
    return TeacherSignal(
        np.arange(2 * tokens, dtype=np.int32).reshape(tokens, 2),
        rng.random((3, 4, 5)).astype(np.float16) if maps else None,
        rng.integers(0, 99, (2, 8)).astype(np.int32),
        -rng.random((2, 8)).astype(np.float16),
        "c0ffee",
    )


@pytest.mark.parametrize("maps", [True, False])
def test_what_is_written_is_read(maps: bool) -> None:
    written = signal(maps)
    read = TeacherSignal.from_bytes(written.to_bytes())
    assert read.to_bytes() == written.to_bytes()
    assert read.vocabulary == "c0ffee"
    assert (read.attention is None) == (not maps)
    np.testing.assert_array_equal(read.spans, written.spans)
    np.testing.assert_array_equal(read.top_ids, written.top_ids)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(StorageError, match="damaged"):
        TeacherSignal.from_bytes(data)


@given(cut=st.integers(0, 600), flipped=st.integers(0, 255))
def test_damage_is_an_error_of_ours_or_changes_numbers_only(cut: int, flipped: int) -> None:
    data = bytearray(signal().to_bytes())
    data[cut % len(data)] ^= flipped
    try:
        TeacherSignal.from_bytes(bytes(data))
    except StorageError as error:
        assert str(error).endswith("ask the expert again.")
    with pytest.raises(StorageError):
        TeacherSignal.from_bytes(bytes(data[: cut % len(data)]))


def test_shapes_must_belong_together() -> None:
    whole = signal()
    with pytest.raises(ValueError, match="attention"):
        TeacherSignal(whole.spans[:2], whole.attention, whole.top_ids, whole.top_logprobs, "")
    with pytest.raises(ValueError, match="log-probabilities"):
        TeacherSignal(whole.spans, whole.attention, whole.top_ids, whole.top_logprobs[:1], "")
    with pytest.raises(ValueError, match="spans"):
        TeacherSignal(whole.spans[:, :1], whole.attention, whole.top_ids, whole.top_logprobs, "")
