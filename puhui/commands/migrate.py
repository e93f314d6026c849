"""`puhui migrate`: bring the database to the schema of this code."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    app.command(help="更新数据库结构 · bring the database to the newest schema")(migrate)


def migrate() -> None:
    """Apply what is missing, as the owning role; harmless to repeat."""
    from puhui import console, runtime

    with runtime.servers() as settings:
        applied = runtime.migrate(settings)
        _, newest = runtime.revisions(settings)
    said = "已更新 · migrated" if applied else "已是最新 · already up to date"
    console.out.print(f"{said}: {newest}")
