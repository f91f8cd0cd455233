"""The container files, read and not built: what they copy is there, and what they make is nobody's root."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
EXPERTS = [path for path in FILES if path.name.startswith("expert")]
Instruction = tuple[str, str]


def instructions(path: Path) -> list[Instruction]:
    """Each instruction with its words, continued lines put together."""
    lines = (
        line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")
    )
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    found = [line.strip().partition(" ") for line in whole.splitlines() if line.strip()]
    return [(name.upper(), " ".join(words.split())) for name, _, words in found]


def words_of(path: Path, name: str) -> list[str]:
    return [words for found, words in instructions(path) if found == name]


def stages(path: Path) -> list[tuple[str, str]]:
    """Image and name of each stage; the name is "" where there is none."""
    froms = [
        [word for word in words.split() if not word.startswith("--")] for words in words_of(path, "FROM")
    ]
    return [(words[0], words[2] if len(words) == 3 else "") for words in froms]


def test_there_are_three() -> None:
    assert [path.stem for path in FILES] == ["device", "expert-cuda", "expert"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_copied_is_there(path: Path) -> None:
    names = {name for _, name in stages(path)}
    for words in words_of(path, "COPY"):
        parts = words.split()
        stage = next((part.partition("=")[2] for part in parts if part.startswith("--from=")), None)
        assert stage is None or stage in names, words
        sources = [part for part in parts[:-1] if not part.startswith("--")]
        assert sources
        assert stage is not None or all((ROOT / source).exists() for source in sources), words


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_package_of_ours_is_copied(path: Path) -> None:
    copied = {part for words in words_of(path, "COPY") for part in words.split()[:-1]}
    assert {init.parent.name for init in ROOT.glob("*/__init__.py")} <= copied


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_does_not_run_as_root(path: Path) -> None:
    last = max(place for place, (name, _) in enumerate(instructions(path)) if name == "FROM")
    users = [words for name, words in instructions(path)[last:] if name == "USER"]
    assert users and users[-1].split(":")[0] not in ("root", "0")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_one_file_says_which_versions(path: Path) -> None:
    assert any("constraints.txt" in words.split() for words in words_of(path, "COPY"))
    installs = [
        part for words in words_of(path, "RUN") for part in words.split("&&") if "pip install" in part
    ]
    made = "grep -v '^torch==' constraints.txt > here.txt"  # a Jetson has its own torch
    allowed = ["-c constraints.txt", *(["-c here.txt"] if made in " ".join(words_of(path, "RUN")) else [])]
    assert len(installs) == 2
    assert all(any(option in install for option in allowed) for install in installs), installs


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_base_has_a_version(path: Path) -> None:
    for image, _ in stages(path):
        tag = image.rpartition("/")[2].partition(":")[2]
        assert tag and tag != "latest" and "$" not in image, image


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_added_from_elsewhere_and_no_secret_is_kept(path: Path) -> None:
    assert not words_of(path, "ADD")
    kept = " ".join(words_of(path, "ENV") + words_of(path, "ARG") + words_of(path, "LABEL")).upper()
    assert not re.search(r"TOKEN|SECRET|PASSW|_KEY", kept)
    assert not re.search(r"(curl|wget)\b.*\|", " ".join(words_of(path, "RUN")))


@pytest.mark.parametrize("path", EXPERTS, ids=lambda path: path.stem)
def test_an_expert_is_asked_for_its_health(path: Path) -> None:
    ports = words_of(path, "EXPOSE")
    (check,) = words_of(path, "HEALTHCHECK")
    assert f"http://127.0.0.1:{ports[0]}/healthz" in check
    assert f'"--port", "{ports[0]}"' in words_of(path, "CMD")[-1]
    assert "/models" in words_of(path, "VOLUME")[0]
