"""Python, libraries and programs: what is here beside what is required."""

import ctypes.util
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from agent.doctor.doctor import Finding

_NAME = "roomwise"
_NOT_FOR_USERS = {"dev"}
# What the camera, voice and screen parts look for in the system.
_PROGRAMS = {
    "ffmpeg": "spoken questions are decoded with it",
    "espeak-ng": "voices for tests of spoken questions",
    "tmux": "tests of the screen in a terminal of its own",
}
_VersionOf = Callable[[str], str | None]


def libraries() -> Iterator[Finding]:
    try:
        about = metadata.metadata(_NAME)
    except metadata.PackageNotFoundError:
        yield Finding(_NAME, "broken", "not installed", "In a checkout: pip install -e .")
        return
    yield python(platform.python_version(), next(iter(about.get_all("Requires-Python") or ()), ""))
    for requirement in _requirements():
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield library(requirement, version_of)


def extras() -> Iterator[Finding]:
    """What each extra brings; all optional."""
    names = metadata.metadata(_NAME).get_all("Provides-Extra") or []
    for name in sorted(set(names) - _NOT_FOR_USERS):
        requirements = [
            requirement
            for requirement in _requirements()
            if requirement.marker is not None
            and not requirement.marker.evaluate({"extra": ""})
            and requirement.marker.evaluate({"extra": name})
        ]
        yield extra(name, requirements, version_of)


def programs() -> Iterator[Finding]:
    """Programs and a system library that optional parts use."""
    portaudio = ctypes.util.find_library("portaudio")
    if portaudio or sys.platform in ("win32", "darwin"):  # there sounddevice brings it along
        yield Finding("PortAudio", "ok", portaudio or "comes with the extra voice")
    else:
        yield Finding("PortAudio", "missing", "microphones need it", "apt install libportaudio2")
    for name, purpose in _PROGRAMS.items():
        path = shutil.which(name)
        if path:
            yield Finding(name, "ok", path)
        else:
            yield Finding(name, "missing", purpose, f"apt install {name}, or: brew install {name}")


def python(version: str, supported: str) -> Finding:
    if SpecifierSet(supported).contains(version, prereleases=True):
        return Finding("Python", "ok", f"{version} ({sys.executable})")
    fix = "Make a virtual environment with another one: python3.12 -m venv .venv"
    return Finding("Python", "broken", f"{version}, but {supported} is needed", fix)


def library(requirement: Requirement, version_of: _VersionOf) -> Finding:
    problem = _problem(requirement, version_of)
    if not problem:
        return Finding(requirement.name, "ok", str(version_of(requirement.name)))
    return Finding(
        requirement.name, "broken", problem, f"pip install '{requirement.name}{requirement.specifier}'"
    )


def extra(name: str, requirements: list[Requirement], version_of: _VersionOf) -> Finding:
    title = f"extra {name}"
    if not requirements:
        return Finding(title, "missing", "it brings nothing on this platform")
    problems = [
        f"{requirement.name} {problem}"
        for requirement in requirements
        if (problem := _problem(requirement, version_of))
    ]
    if problems:
        fix = f"pip install 'roomwise[{name}]', in a checkout: pip install -e '.[{name}]'"
        return Finding(title, "missing", ", ".join(problems), fix)
    return Finding(
        title,
        "ok",
        ", ".join(f"{requirement.name} {version_of(requirement.name)}" for requirement in requirements),
    )


def version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _problem(requirement: Requirement, version_of: _VersionOf) -> str:
    version = version_of(requirement.name)
    if version is None:
        return "not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{version}, but {requirement.specifier} is needed"
    return ""


def _requirements() -> list[Requirement]:
    return [Requirement(line) for line in metadata.requires(_NAME) or ()]
