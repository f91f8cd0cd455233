"""The command: what it imports, how it ends, and that every help text carries an example."""

import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import roomwise
from core.errors import StorageError
from core.lazy import Verb, as_command, lazy_group, run

HEAVY = ("torch", "transformers", "pydantic", "numpy", "PIL", "rich")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, roomwise, core.lazy as lazy; lazy.run(roomwise.app, 'x', ['--help']); "
        f"print(set({HEAVY}) & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    assert all(verb in done.stdout for verb in roomwise.VERBS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["--version"]) == 0
    assert capsys.readouterr().out == f"roomwise {roomwise.__version__}\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["akk"], "roomwise: roomwise has no verb 'akk'. Did you mean ask? See: roomwise --help\n"),
        (
            ["bench", "modles"],
            "roomwise: roomwise bench has no verb 'modles'. Did you mean models or layers? See:",
        ),
        (["\x1b[31m"], "roomwise: roomwise has no verb '\\x1b[31m'. Known: "),
    ],
)
def test_an_unknown_verb_lists_the_nearest(
    args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(roomwise.app, "roomwise", args) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(message) and captured.err.count("\n") == 1
    assert not captured.out


@pytest.mark.parametrize("args", [["--nonsense"], ["config", "show", "--nonsense"], ["config", "nonsense"]])
def test_wrong_usage_is_explained(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", args) == 2
    assert "nonsense" in capsys.readouterr().err


def _failing(error: BaseException) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    return app


def test_our_errors_are_one_line_and_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_failing(StorageError("Cannot write x.\nThe disk\x1b is full.")), "roomwise", []) == 2
    assert capsys.readouterr().err == "roomwise: Cannot write x. The disk is full.\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "full"), "The disk is full"),
        (OSError(36, "long", "x" * 300), "Cannot use xxx"),
        (FileNotFoundError(2, "gone", "a.jpg"), "Cannot use a.jpg. There is no such file"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    error: OSError, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(_failing(error), "x", []) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_an_argument_is_unicode_and_its_tilde_the_home_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    app = typer.Typer()

    @app.command()
    def show(path: str, out: str = "") -> None:
        typer.echo(f"{path} {out}")

    assert run(app, "x", ["~/a", "--out=~/b"]) == 0
    assert capsys.readouterr().out == "/somewhere/a /somewhere/b\n"
    assert run(app, "x", ["What is ~/a?"]) == 0
    assert run(app, "x", ["r\udce9"]) == 2
    assert "is not valid UTF-8" in capsys.readouterr().err


def test_a_terminal_that_lacks_a_character_shows_its_code() -> None:
    code = (
        "import core.lazy, roomwise; core.lazy.run(roomwise.app, 'x', ['--version']); "
        "print('\\u2713 \\ud800')"
    )
    env = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
    assert done.stdout.endswith(b"\n\\u2713 \\ud800\n")


def test_ctrl_c_ends_with_130() -> None:
    assert run(_failing(KeyboardInterrupt()), "roomwise", []) == 130


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(_failing(ZeroDivisionError()), "roomwise", [])


def test_a_verb_is_imported_only_when_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lazy_verb.py").write_text(
        "import typer\napp = typer.Typer()\n@app.command()\n"
        "def go(word: str) -> None:\n    typer.echo(word)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    app = typer.Typer(cls=lazy_group({"go": Verb("lazy_verb:app", "Go.")}))
    app.callback()(lambda: None)
    assert run(app, "x", ["--help"]) == 0 and "lazy_verb" not in sys.modules
    assert run(app, "x", ["go", "now"]) == 0 and "lazy_verb" in sys.modules


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from _commands(command.get_command(None, name), f"{path} {name}")


def _unknown_parts(line: str) -> list[str]:
    """Verbs and options of a typed line that the command does not have."""
    words = shlex.split(line.partition("roomwise")[2])
    command = as_command(roomwise.app)
    while hasattr(command, "list_commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.list_commands(None):
            return [name]
        command = command.get_command(None, name)
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return [word for word in words if word.startswith("-") and word not in options]


def test_every_help_text_carries_an_example_that_works() -> None:
    for path, command in _commands(as_command(roomwise.app), "roomwise"):
        _, found, after = inspect.cleandoc(command.help or "").partition("Example: ")
        example = " ".join(after.partition("\n\n")[0].split())
        assert found, f"{path} has no example"
        assert path in example and not _unknown_parts(example), f"{path}: {example}"


README = (Path(roomwise.__file__).parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^roomwise .*$", README, flags=re.MULTILINE))
def test_what_the_readme_says_to_type_exists(line: str) -> None:
    assert not _unknown_parts(line)
