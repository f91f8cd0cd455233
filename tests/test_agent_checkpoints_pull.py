"""Models come whole from a hub, or not at all; what came answers to its name."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_families import save_internvl
from tiny_hub import COMMIT, TinyHub, tiny_hub

from agent.checkpoints.pull import is_read
from models.registry import model_folder

_NAME = "internvl3-1b"
_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("internvl")
    save_internvl(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling_own.py").write_text("raise SystemExit")
    return folder


@pytest.fixture
def hub(saved: Path) -> Iterator[TinyHub]:
    with tiny_hub(saved) as served:
        yield served


def _pull(
    hub: TinyHub, home: Path, *args: str, said: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, since the hub's client reads its settings when it is imported."""
    settings = {
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(home / "hf"),
        "ROOMWISE_HOME": str(home),
        "PYTHONPATH": str(_ROOT),
        "NO_PROXY": "127.0.0.1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))
    }
    return subprocess.run(
        [sys.executable, str(_ROOT / "roomwise.py"), "models", "pull", *(args or (_NAME, "--yes", "--json"))],
        capture_output=True, text=True, env={**kept, **settings, **env}, input=said, check=False, cwd=home,
    )  # fmt: skip


def test_what_was_fetched_answers_to_its_name(
    hub: TinyHub, saved: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = _pull(hub, isolated)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["commit"], told["licence"]) == (COMMIT, "apache-2.0")
    folder = Path(told["folder"])
    wanted = {path.name for path in saved.iterdir()} - {"pytorch_model.bin", "modeling_own.py"}
    assert {path.name for path in folder.iterdir()} == wanted
    assert all((folder / name).read_bytes() == (saved / name).read_bytes() for name in wanted)
    assert told["bytes"] == sum((saved / name).stat().st_size for name in wanted)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(isolated / "hf" / "hub"))
    assert model_folder(_NAME) == folder
    # The commit stays, though the hub goes on; nothing is fetched twice.
    before = len(hub.fetched("model.safetensors"))
    assert _pull(hub, isolated).returncode == 0
    assert len(hub.fetched("model.safetensors")) == before
    assert [path for _, path, _ in hub.asked if "/revision/" in path][-1].endswith(COMMIT)


def test_a_cut_connection_is_taken_up_where_it_broke(hub: TinyHub, isolated: Path) -> None:
    large = bytes(range(256)) * (44 << 10)  # the client keeps pieces of 10 MiB
    hub.files["large.safetensors"] = large
    hub.cut["large.safetensors"] = len(large) - 1
    done = _pull(hub, isolated)
    assert done.returncode == 0, done.stderr
    assert hub.fetched("large.safetensors") == ["", f"bytes={10 << 20}-"]
    folder = Path(json.loads(done.stdout)["folder"])
    assert (folder / "large.safetensors").read_bytes() == large


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_other_bytes_than_were_named_are_deleted(hub: TinyHub, isolated: Path, name: str) -> None:
    hub.spoilt.add(name)
    done = _pull(hub, isolated)
    assert done.returncode == 2 and f"{name} of {_NAME} came damaged" in done.stderr
    assert not [path for path in isolated.rglob(name) if path.exists()]
    assert not (isolated / "state" / "models").exists()
    hub.spoilt.clear()
    assert _pull(hub, isolated).returncode == 0


@pytest.mark.parametrize("setting", ["HF_HUB_OFFLINE", "ROOMWISE_NETWORK__OFFLINE"])
def test_offline_nobody_is_asked(hub: TinyHub, isolated: Path, setting: str) -> None:
    done = _pull(hub, isolated, **{setting: "1"})
    assert done.returncode == 2 and "Nothing is fetched" in done.stderr and "Traceback" not in done.stderr
    assert not hub.asked


def test_it_is_asked_about_size_and_licence_first(hub: TinyHub, isolated: Path) -> None:
    hub.licence = "own\x1b[31m terms"
    done = _pull(hub, isolated, _NAME, said="n\n")
    assert done.returncode == 2 and "Nothing was done" in done.stderr
    assert "OpenGVLab/InternVL3-1B-hf at c0ffee000000: 0.00 GB in" in done.stderr
    assert "licence own[31m terms" in done.stderr
    assert not hub.fetched("model.safetensors")


def test_what_the_hub_refuses_is_one_line_with_a_remedy(hub: TinyHub, isolated: Path) -> None:
    hub.refused = 404
    done = _pull(hub, isolated)
    assert done.returncode == 2 and "Traceback" not in done.stderr and hub.address in done.stderr
    hub.refused, hub.commit = 0, "main"
    done = _pull(hub, isolated)
    assert done.returncode == 2 and "names no commit" in done.stderr
    hub.commit, hub.files = COMMIT, {"config.json": b"{}"}
    assert "has no safetensors" in _pull(hub, isolated).stderr
    assert "comes with the program" in _pull(hub, isolated, "builtin-student").stderr
    assert "Did you mean internvl3-1b" in _pull(hub, isolated, "internvl-1b").stderr


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("model-00001-of-00002.safetensors", True),
        ("tokenizer.model", True),
        ("chat_template.jinja", True),
        ("merges.txt", True),
        ("pytorch_model.bin", False),
        ("modeling.py", False),
        ("onnx/config.json", False),
        ("../config.json", False),
        ("model.safetensors.py", False),
    ],
)
def test_which_files_are_read(name: str, read: bool) -> None:
    assert is_read(name) is read
