"""A check-up: what is wrong is found, named, and comes with the line that fixes it."""

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tiny_memory import frame

import roomwise
from agent.doctor import cli as doctor_cli
from agent.doctor import models as doctor_models
from agent.doctor.doctor import Finding, check
from agent.doctor.libraries import extra, library, programs, python
from agent.doctor.models import weights
from agent.doctor.state import state
from core.errors import StorageError
from core.files import state_dir
from core.lazy import run
from memory.schema import DATABASE
from memory.store import Memory


def _named(name: str) -> Finding:
    return next(finding for finding in state() if finding.name == name)


def test_an_error_becomes_a_finding_with_its_remedy() -> None:
    def look() -> str:
        raise StorageError("The disk is full. Free some space. Then again.")

    assert check("disk", look) == Finding(
        "disk", "broken", "The disk is full", "Free some space. Then again."
    )
    assert check("disk", lambda: "fine") == Finding("disk", "ok", "fine")


@pytest.mark.parametrize(("version", "state"), [("3.12.1", "ok"), ("3.9.0", "broken"), ("3.14.0", "broken")])
def test_python_is_compared(version: str, state: str) -> None:
    found = python(version, ">=3.10,<3.14")
    assert (found.state, bool(found.fix)) == (state, state == "broken")


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [
        ("2.1", "ok", "2.1"),
        ("1.26", "broken", "1.26, but >=2.0 is needed"),
        (None, "broken", "not installed"),
    ],
)
def test_a_library_that_is_needed(version: str | None, state: str, said: str) -> None:
    found = library(Requirement("numpy>=2.0"), {"numpy": version}.get)
    assert (found.state, found.found) == (state, said)
    assert found.fix == ("" if state == "ok" else "pip install 'numpy>=2.0'")


def test_what_an_extra_lacks_is_only_missing() -> None:
    wanted = [Requirement("a>=1"), Requirement("b>=2")]
    found = extra("voice", wanted, {"a": "1.5"}.get)
    assert (found.state, found.found) == ("missing", "b not installed")
    assert "pip install -e '.[voice]'" in found.fix
    assert extra("voice", wanted, {"a": "1.5", "b": "2"}.get).state == "ok"
    assert extra("rooms", [], lambda name: None).state == "missing"


def test_programs_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", {"ffmpeg": "/bin/ffmpeg"}.get)
    found = {finding.name: finding for finding in programs()}
    assert (found["ffmpeg"].state, found["tmux"].state) == ("ok", "missing")
    assert "apt install tmux" in found["tmux"].fix


def test_an_empty_state_is_fine_and_stays_empty() -> None:
    assert [finding.state for finding in state()] == ["ok"] * 5
    assert not state_dir().exists()


def test_a_full_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 5_000_000))
    found = _named("disk")
    assert (found.state, found.found) == ("broken", "5 MB are free") and "ROOMWISE_HOME" in found.fix


def test_a_damaged_memory_is_found_and_left_alone() -> None:
    folder = state_dir() / "memory"
    with Memory.open(folder) as memory:
        memory.add("den", frame(), "What is it?", "a den", "expert", "e")
    assert _named("memory").state == "ok"
    (folder / DATABASE).write_bytes(b"no database, but long enough to be looked at as one " * 50)
    before = (folder / DATABASE).read_bytes()
    assert _named("memory").state == "broken"
    assert (folder / DATABASE).read_bytes() == before
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()
    assert "gone" in _named("memory").found


def test_a_damaged_adapter_is_found() -> None:
    (state_dir() / "adapters" / "den" / "0001").mkdir(parents=True)
    found = _named("adapter")
    assert found.state == "broken" and "roomwise adapt" in found.fix


def test_wrong_settings_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMWISE_STUDENT__MODLE", "x")
    found = _named("settings")
    assert found.state == "broken" and "Did you mean" in found.fix


def test_damaged_weights_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("student", "expert"):
        shutil.copytree(doctor_models.BUILTIN / name, tmp_path / name)
    monkeypatch.setattr(doctor_models, "BUILTIN", tmp_path)
    with (tmp_path / "student" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read()[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    (tmp_path / "expert" / "config.json").unlink()
    found = {finding.name: finding for finding in weights()}
    assert [found[f"builtin-{name}"].state for name in ("student", "expert")] == ["broken", "broken"]
    assert "damaged" in found["builtin-student"].found
    assert found["text embedder"].state == "ok"


def _groups(monkeypatch: pytest.MonkeyPatch, **groups: str) -> None:
    monkeypatch.setattr(doctor_cli, "_GROUPS", groups)


def test_it_ends_with_one_when_something_needed_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _groups(monkeypatch, state="agent.doctor.state:state")
    assert run(roomwise.app, "roomwise", ["doctor"]) == 0
    assert "5 ok, 0 missing (optional), 0 broken" in capsys.readouterr().out
    (state_dir() / "adapters" / "den" / "0001").mkdir(parents=True)
    assert run(roomwise.app, "roomwise", ["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False and {check["state"] for check in told["checks"]} == {"ok", "broken"}


def test_a_group_that_cannot_be_imported_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _groups(monkeypatch, machine="no_such_module_at_all:look")
    assert run(roomwise.app, "roomwise", ["doctor"]) == 1
    assert "broken" in capsys.readouterr().out


def test_everything_but_the_processor_is_looked_at_without_torch() -> None:
    code = (
        "import sys\n"
        "from agent.doctor.cli import _GROUPS\n"
        "from core.extras import load\n"
        "for group in list(_GROUPS)[:-1]: list(load(_GROUPS[group])())\n"
        "print({'torch', 'transformers', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
