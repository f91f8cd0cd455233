"""What a session takes, counted."""

import sys
from pathlib import Path

import pytest

from agent.machine.meters import measure_usage


def test_files_are_counted_and_missing_folders_are_empty(tmp_path: Path) -> None:
    (tmp_path / "memory" / "blobs").mkdir(parents=True)
    (tmp_path / "memory" / "blobs" / "a").write_bytes(b"12345")
    (tmp_path / "memory" / "b").write_bytes(b"1")
    told = measure_usage(tmp_path / "memory", tmp_path / "nothing", tmp_path / "memory" / "blobs")
    assert (told.memory_bytes, told.adapter_bytes, told.recording_bytes) == (6, 0, 5)


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not say")
def test_the_peak_is_that_of_a_process(tmp_path: Path) -> None:
    assert 10 << 20 < measure_usage(tmp_path, tmp_path, tmp_path).peak_bytes < 64 << 30
