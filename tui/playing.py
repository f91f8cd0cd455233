"""Another session in this terminal: the dashboard makes way for it, and comes back."""

import subprocess
import sys

from textual.app import App, SuspendNotSupported


def play(app: App[object], session: str) -> str:
    """Watch a recording until it is left; a sentence for the person where that was not possible.

    The screen waits meanwhile, and the session behind it goes on.
    """
    arguments = ["roomwise", "replay", session, "--dashboard"]
    by_hand = " ".join(arguments)
    try:
        with app.suspend():
            code = subprocess.run([sys.executable, "-m", *arguments], check=False).returncode
    except SuspendNotSupported:
        return f"No recording can be played in this window. In a shell: {by_hand}"
    return f"It could not be played. See why, on the agent's machine: {by_hand}" if code else ""
