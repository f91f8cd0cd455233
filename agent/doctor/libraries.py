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
_HERE = Callable[[str], str | None]


def libraries() -> Iterator[Finding]:
    """Python and everything that is always needed."""
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
    """What each extra brings; none of it is needed."""
    for name in _extra_names():
        wanted = [
            requirement
            for requirement in _requirements()
            if requirement.marker is not None
            and not requirement.marker.evaluate({"extra": ""})
            and requirement.marker.evaluate({"extra": name})
        ]
        yield extra(name, wanted, version_of)


def programs() -> Iterator[Finding]:
    """Programs and a library of the system that optional parts use."""
    found = ctypes.util.find_library("portaudio")
    if found or sys.platform in ("win32", "darwin"):  # there sounddevice brings it along
        yield Finding("PortAudio", "ok", found or "comes with the extra voice")
    else:
        yield Finding("PortAudio", "missing", "microphones need it", "apt install libportaudio2")
    for name, purpose in _PROGRAMS.items():
        path = shutil.which(name)
        if path:
            yield Finding(name, "ok", path)
        else:
            yield Finding(name, "missing", purpose, f"apt install {name}, or: brew install {name}")


def python(version: str, wanted: str) -> Finding:
    """This Python beside the versions that are supported."""
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Finding("Python", "ok", f"{version} ({sys.executable})")
    fix = "Make a virtual environment with another one: python3.12 -m venv .venv"
    return Finding("Python", "broken", f"{version}, but {wanted} is needed", fix)


def library(requirement: Requirement, here: _HERE) -> Finding:
    """One library that is needed."""
    problem = _problem(requirement, here)
    if not problem:
        return Finding(requirement.name, "ok", str(here(requirement.name)))
    return Finding(requirement.name, "broken", problem, f"pip install '{_plain(requirement)}'")


def extra(name: str, wanted: list[Requirement], here: _HERE) -> Finding:
    """All libraries of one extra together."""
    title = f"extra {name}"
    if not wanted:
        return Finding(title, "missing", "it brings nothing on this platform")
    problems = [f"{one.name} {problem}" for one in wanted if (problem := _problem(one, here))]
    if problems:
        fix = f"pip install 'roomwise[{name}]', in a checkout: pip install -e '.[{name}]'"
        return Finding(title, "missing", ", ".join(problems), fix)
    return Finding(title, "ok", ", ".join(f"{one.name} {here(one.name)}" for one in wanted))


def version_of(name: str) -> str | None:
    """The installed version of a distribution."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _problem(requirement: Requirement, here: _HERE) -> str:
    version = here(requirement.name)
    if version is None:
        return "not installed"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{version}, but {requirement.specifier} is needed"
    return ""


def _plain(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def _requirements() -> list[Requirement]:
    return [Requirement(line) for line in metadata.requires(_NAME) or ()]


def _extra_names() -> list[str]:
    names = metadata.metadata(_NAME).get_all("Provides-Extra") or []
    return sorted(set(names) - _NOT_FOR_USERS)
