"""`puhui psql`: the wheel's own psql against the database that the settings point at."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backend.kit.settings import Settings


def register(app: typer.Typer) -> None:
    app.command(
        help="打开数据库 · open the database with psql; further arguments are psql's own",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(psql)


def psql(
    context: typer.Context,
    *,
    owner: Annotated[
        bool, typer.Option("--owner", help="以表的所有者角色 · as the role that owns the tables")
    ] = False,
) -> None:
    """Run psql and answer its exit code. The password goes through the environment, not the command line."""
    from puhui import runtime
    from puhui.embedded import postgres

    with runtime.servers() as settings:
        command = [str(postgres.program("psql")), *context.args]
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C cancels psql's query, not us
        try:
            child = subprocess.Popen(command, env=_environment(settings, owner=owner), preexec_fn=_attend)  # noqa: PLW1509 - no thread runs here
            code = child.wait()
        finally:
            signal.signal(signal.SIGINT, before)
    raise typer.Exit(code)


def _attend() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _environment(settings: Settings, *, owner: bool) -> dict[str, str]:
    from backend.kit.db import connect_arguments
    from puhui.runtime import DatabaseUrlMissing, OwnerUrlMissing

    url = settings.owner_database_url if owner else settings.database_url
    if url is None:
        raise OwnerUrlMissing if owner else DatabaseUrlMissing
    given: dict[str, Any] = connect_arguments(url.get_secret_value())
    names = {
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "database": "PGDATABASE",
        "host": "PGHOST",
        "port": "PGPORT",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**clean, **{names[name]: str(value) for name, value in given.items()}}
