"""The `puhui` command."""

from __future__ import annotations

import importlib
import io
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from backend.kit.errors import DomainError

COMMANDS = (
    "up",
    "demo",
    "ingest",
    "quantify",
    "offset",
    "packs",
    "audit",
    "verify",
    "bench",
    "export",
    "fingerprints",
    "psql",
    "migrate",
    "status",
    "stop",
    "doctor",
    "admin",
    "backup",
    "keys",
    "run",
)

app = typer.Typer(
    name="puhui",
    help="碳普惠平台：从一次出行到一吨减排量。\n\nA carbon inclusion platform: from the ride to the surrendered tonne.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, and those hold passwords
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(_own_version())
        raise typer.Exit


def _own_version() -> str:
    """Of the installed package, or where there is none, as in the container, of the source tree."""
    import tomllib
    from importlib.metadata import PackageNotFoundError, version
    from pathlib import Path

    try:
        return version("puhui")
    except PackageNotFoundError:
        source = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(source.read_text("utf-8"))["project"]["version"])


@app.callback()
def puhui(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 · print the version")
    ] = False,
) -> None:
    """The options before the command."""


for _name in COMMANDS:
    importlib.import_module(f"puhui.commands.{_name}").register(app)


def main() -> None:
    """Run the command; a refusal becomes two sentences and its kind's exit code, never a traceback."""
    signal.signal(signal.SIGTERM, _leave)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal without Chinese gets question marks, not a crash
    try:
        app()
    except DomainError as error:
        from puhui import console

        console.refuse(error)
        sys.exit(error.kind.exit_code)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """End as on Ctrl-C, so that context managers stop what they started."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)
