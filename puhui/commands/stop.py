"""`puhui stop`: stop the embedded servers of the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ServersInUse(DomainError):
    """A command is using the servers; stop it first, or use --force."""

    code = "puhui.servers_in_use"
    kind = Kind.CONFLICT
    title_zh = "有命令正在使用这些服务器；请先停止它，或加 --force。"

    folder: Path


@dataclass(eq=False)
class NotEmbedded(DomainError):
    """The settings name servers of their own; only embedded servers are stopped here."""

    code = "puhui.not_embedded"
    kind = Kind.CONFLICT
    title_zh = "当前设置使用外部服务器；此命令只停止内置服务器。"


def register(app: typer.Typer) -> None:
    app.command(help="停止内置服务器 · stop the embedded servers")(stop)


def stop(
    *,
    force: Annotated[
        bool, typer.Option("--force", help="即使正在使用 · even while a command uses them")
    ] = False,
) -> None:
    """Stop them cleanly; says so when none was running."""
    from puhui import console, embedded, runtime

    settings = runtime.load_settings()
    if not settings.embedded:
        raise NotEmbedded
    if not force and embedded.status(settings.data_dir).users:
        raise ServersInUse(folder=settings.data_dir)
    stopped = embedded.stop(settings.data_dir)
    console.out.print("已停止 · stopped" if stopped else "本来就没有运行 · nothing was running")
