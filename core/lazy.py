"""Commands that import a verb when it is called, and how a command exits.

A table holds a dotted path and a line of help per verb, so listing them imports none. Targets are
`typer.Typer`s; one with a single command becomes that command.

    app = typer.Typer(cls=lazy_group({"ask": Verb("agent.cli:app", "Ask about a picture.")}))
"""

import io
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_command

from core.errors import InputError, RoomwiseError
from core.extras import load
from core.files import expand_user, system_errors
from core.text import did_you_mean, printable, strip_controls

_COMPLETION = frozenset({"install_completion", "show_completion"})
_HOME = re.compile(r"\A(--?[\w-]+=|)(~/.*)", re.DOTALL)
INTERRUPTED = 130  # what shells report for a command ended by Ctrl-C


class Verb(NamedTuple):
    """A verb's `package.module:attribute`, and its line of help."""

    target: str
    help: str


class _LazyGroup(TyperGroup):
    verbs: ClassVar[Mapping[str, Verb]] = {}

    # ctx and formatter are Any: their types are private to typer and differ between its versions.
    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        verb = self.verbs.get(cmd_name)
        if verb is None:
            return None
        command = as_command(load(verb.target))
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in self.verbs and not args[0].startswith("-"):
            path = ctx.command_path
            raise InputError(
                f"{path} has no verb {args[0]!r}. {did_you_mean(args[0], self.verbs)} See: {path} --help"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in self.verbs.items()])


def lazy_group(verbs: Mapping[str, Verb]) -> type[TyperGroup]:
    """A group class for `typer.Typer(cls=...)` that imports a verb of the table when it is called."""

    class Verbs(_LazyGroup):
        pass

    Verbs.verbs = verbs
    return Verbs


def as_command(app: typer.Typer) -> Any:
    """The command of an app, with plain help and without options that belong to the root only."""
    app.rich_markup_mode = None  # plain text is quick to make and can be copied
    command = get_command(app)
    command.params = [parameter for parameter in command.params if parameter.name not in _COMPLETION]
    return command


def run(app: typer.Typer, name: str, args: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; `args` replaces `sys.argv[1:]`.

    A RoomwiseError becomes one line on stderr and its exit code (2), like wrong usage, and so does what the
    system refuses; Ctrl-C gives 130. Anything else is a bug and keeps its traceback.
    """
    _print_anything()
    try:
        _check_folder()
        given = [_argument(arg) for arg in (sys.argv[1:] if args is None else args)]
        with system_errors():
            as_command(app).main(args=given, prog_name=name)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except RoomwiseError as error:
        typer.echo(f"{name}: {strip_controls(str(error))}", err=True)
        return error.exit_code
    except KeyboardInterrupt:
        typer.echo(f"{name}: interrupted", err=True)
        return INTERRUPTED
    return 0


def say(text: str, *, err: bool = False) -> None:
    """Print for people: the door to the terminal, through which no control character passes."""
    typer.echo(printable(text), err=err)


def _print_anything() -> None:
    """Let a terminal that lacks a character show its code instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _check_folder() -> None:
    with suppress(FileNotFoundError):  # deleted meanwhile, which not every verb minds
        _argument(str(Path.cwd()))


def _argument(text: str) -> str:
    """The argument, its ~ made the home folder where no shell did. Raises InputError: no Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{text!a} is not valid UTF-8. Give a name that is.") from None
    return _HOME.sub(lambda match: f"{match[1]}{expand_user(match[2])}", text)


def confirm(question: str, yes: bool) -> None:
    """Ask on stderr, since stdout holds the answer alone. Raises InputError when it is not confirmed."""
    if not yes and not typer.confirm(printable(question), err=True):
        raise InputError("Nothing was done. To go on without being asked: --yes")
