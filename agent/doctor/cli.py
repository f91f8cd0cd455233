"""`roomwise doctor`: what is here, what is missing, and the line that fixes it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from agent.doctor.doctor import Finding, Group, broken
from core.errors import RoomwiseError
from core.extras import load
from core.lazy import say

app = typer.Typer(add_completion=False)

# Quick ones first; by name, so that a library that is broken breaks only its own group.
_GROUPS = {
    "libraries": "agent.doctor.libraries:libraries",
    "optional": "agent.doctor.libraries:extras",
    "system": "agent.doctor.libraries:programs",
    "state": "agent.doctor.state:state",
    "weights": "agent.doctor.models:weights",
    "machine": "agent.doctor.models:torch",
}
_COLOURS = {"ok": typer.colors.GREEN, "missing": typer.colors.YELLOW, "broken": typer.colors.RED}
_REINSTALL = "Install roomwise again in a fresh virtual environment, with its libraries."


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Look over the installation: libraries, extras, programs, state, weights, processor.

    Ends with 1 when something that is needed is broken. What is missing can be done without.

    Example: roomwise doctor

    Example: roomwise doctor --json
    """
    findings = []
    for group, target in _GROUPS.items():
        if not as_json:
            say(group)
        for finding in _check_group(group, target):
            findings.append(finding)
            if not as_json:
                _say(finding)
    counts = Counter(finding.state for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        say(json.dumps({"schema": 1, "command": "doctor", "ok": not counts["broken"], "checks": checks}))
    else:
        say(f"{counts['ok']} ok, {counts['missing']} missing (optional), {counts['broken']} broken")
    if counts["broken"]:
        raise typer.Exit(1)


def _check_group(group: str, target: str) -> Iterator[Finding]:
    """The findings of a group; one that cannot be imported is a finding itself."""
    try:
        checks: Group = load(target)
        yield from checks()
    except RoomwiseError as error:
        yield broken(group, error)
    except (ImportError, OSError) as error:
        yield Finding(group, "broken", f"cannot be looked at: {error}", _REINSTALL)


def _say(finding: Finding) -> None:
    state = typer.style(f"{finding.state:8}", fg=_COLOURS[finding.state])
    say(f"  {state} {finding.name:22} {finding.found}")
    if finding.fix:
        say(f"{'':33}-> {finding.fix}")
