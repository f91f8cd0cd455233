"""Other programs read what is exported: frames, questions and answers with their times."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tiny_recordings import ANSWERS, BEGAN, QUESTIONS, write_recording

from agent.recording.record import BLOBS, Recording, read_recording
from agent.sessions.mcap_export import export_mcap, nanoseconds
from agent.sessions.parquet_export import export_parquet
from agent.sessions.redact import Choice, redact
from core.errors import InputError, StorageError

_NS = 1_000_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return read_recording(write_recording(tmp_path / "s"))


def _messages(path: Path) -> list[tuple[str, Any, dict[str, Any]]]:
    reading = pytest.importorskip("mcap.reader")
    with path.open("rb") as file:
        found = list(reading.make_reader(file, validate_crcs=True).iter_messages())
    return [(channel.topic, message, json.loads(message.data)) for _, channel, message in found]


def test_mcap_has_frames_questions_answers_and_learning_at_their_times(
    recording: Recording, tmp_path: Path
) -> None:
    count = export_mcap(recording, tmp_path / "s.mcap")
    found = _messages(tmp_path / "s.mcap")
    assert len(found) == count
    questions = [
        (message.log_time, data["question"]) for topic, message, data in found if topic == "/questions"
    ]
    assert questions == [(int(BEGAN + 6 * turn) * _NS, QUESTIONS[turn - 1]) for turn in range(1, 5)]
    assert [data["text"] for topic, _, data in found if topic == "/answers"] == list(ANSWERS)
    assert [data["event"] for topic, _, data in found if topic == "/adaptation"][-1] == "Activated"
    assert len([1 for topic, _, _ in found if topic == "/events"]) == len(recording.events)


def test_mcap_frames_are_pictures_stamped_when_they_were_taken(recording: Recording, tmp_path: Path) -> None:
    export_mcap(recording, tmp_path / "s.mcap")
    frames = [
        (message, data) for topic, message, data in _messages(tmp_path / "s.mcap") if topic == "/frames"
    ]
    assert len(frames) == 4
    for message, data in frames:
        picture = Image.open(io.BytesIO(base64.b64decode(data["data"])))
        assert (picture.format, picture.size, data["format"]) == ("JPEG", (64, 48), "jpeg")
        stamp = data["timestamp"]["sec"] * _NS + data["timestamp"]["nsec"]
        assert stamp == message.publish_time == message.log_time - 40_000_000


def test_mcap_names_its_schemas_as_foxglove_does(recording: Recording, tmp_path: Path) -> None:
    export_mcap(recording, tmp_path / "s.mcap")
    reading = pytest.importorskip("mcap.reader")
    with (tmp_path / "s.mcap").open("rb") as file:
        reader = reading.make_reader(file)
        summary, notes = reader.get_summary(), list(reader.iter_metadata())
    schemas = {schema.name: schema for schema in summary.schemas.values()}
    frames = schemas["foxglove.CompressedImage"]
    assert frames.encoding == "jsonschema"
    assert json.loads(frames.data)["properties"]["data"]["contentEncoding"] == "base64"
    assert notes[0].metadata["room"] == "den"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -5.0, 1e300, 0.0])
def test_any_time_fits_a_file(at: float) -> None:
    assert 0 <= nanoseconds(at) < 2**63


def _columns(path: Path) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = pytest.importorskip("pyarrow.parquet").read_table(path).to_pydict()
    return rows


def test_parquet_has_a_row_a_turn(recording: Recording, tmp_path: Path) -> None:
    assert export_parquet(recording, tmp_path / "s.parquet") == 4
    columns = _columns(tmp_path / "s.parquet")
    assert columns["question"] == list(QUESTIONS) and columns["answer"] == list(ANSWERS)
    assert columns["source"] == ["expert"] * 2 + ["student"] * 2
    assert columns["right"] == [True, True, False, True]
    assert columns["correction"] == [None, None, "four", None]
    assert [moment.timestamp() for moment in columns["asked_at"]] == [
        BEGAN + 6 * turn for turn in range(1, 5)
    ]
    assert (columns["confidence"], columns["latency_ms"]) == ([0.5] * 4, [900.0] * 4)
    picture = Image.open(io.BytesIO(columns["image"][0]["bytes"]))
    assert picture.size == (64, 48)


def test_what_was_redacted_is_empty(recording: Recording, tmp_path: Path) -> None:
    redact(recording.folder, Choice(frozenset({1}), frames=True, words=True))
    left = read_recording(recording.folder)
    export_parquet(left, tmp_path / "s.parquet")
    columns = _columns(tmp_path / "s.parquet")
    assert (columns["image"][0], columns["question"][0], columns["answer"][0]) == (None, None, None)
    assert columns["question"][1] == QUESTIONS[1]
    export_mcap(left, tmp_path / "s.mcap")
    assert len([1 for topic, _, _ in _messages(tmp_path / "s.mcap") if topic == "/frames"]) == 2


def test_datasets_loads_it_with_pictures(recording: Recording, tmp_path: Path) -> None:
    # Not among the libraries for development: sentence-transformers takes longer to import where it is.
    loading = pytest.importorskip("datasets")
    export_parquet(recording, tmp_path / "s.parquet")
    rows = loading.load_dataset(
        "parquet", data_files=str(tmp_path / "s.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert (len(rows), rows[0]["question"], rows[0]["image"].size) == (4, QUESTIONS[0], (64, 48))


@pytest.mark.parametrize("export", [export_mcap, export_parquet])
def test_an_export_is_whole_or_not_there(export: Any, recording: Recording, tmp_path: Path) -> None:
    out = tmp_path / "out" / "file"
    export(recording, out)
    with pytest.raises(StorageError, match="there already"):
        export(recording, out)
    out.unlink()
    next((recording.folder / BLOBS).iterdir()).write_bytes(b"damaged")
    with pytest.raises(InputError, match="damaged"):
        export(recording, out)
    assert not list(out.parent.iterdir())
