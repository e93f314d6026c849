"""`puhui demo`: the small city, from an empty database to the audit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.kit.settings import Settings
    from puhui.audit import Report
    from puhui.demo.stage import Happened


def register(app: typer.Typer) -> None:
    app.command(help="演示：小城市，从空数据库到审计 · a small city, from an empty database to the audit")(
        demo
    )


def demo() -> None:
    """Play a month of the demo city in a database of its own, tell what happened, and audit it.

    Exits 0 only when every sum adds up and the audit passes. Run again, it begins anew.
    """
    from puhui import console, runtime
    from puhui.demo import place
    from puhui.demo.account import Account

    began = time.monotonic()
    with _steps() as step:
        step("内嵌服务器与演示数据库", "servers and database")
        with place.fresh(runtime.load_settings()) as settings:
            told, report = runtime.run(_play(settings, step))
            step("", "")
    account = Account(console.out, told)
    account.tell()
    account.audit(report)
    account.closing(settings, time.monotonic() - began)
    if not account.adds_up:
        raise typer.Exit(1)


async def _play(settings: Settings, step: Callable[[str, str], None]) -> tuple[Happened, Report]:
    from puhui import audit, runtime
    from puhui.demo import story

    async with runtime.database(settings) as db:
        told = await story.play(db, settings, folder=settings.data_dir / "demo", step=step)
        step("审计", "the audit")
        return told, await audit.audit(db, settings)


@contextmanager
def _steps() -> Iterator[Callable[[str, str], None]]:
    """What is being done now, with a clock; each finished step stays on the screen with its time."""
    from puhui import console

    doing, since = "", time.monotonic()
    with console.err.status("") as status:

        def step(zh: str, en: str) -> None:
            nonlocal doing, since
            if doing:
                console.err.print(f"[green]✓[/green] {doing}  [dim]{time.monotonic() - since:.1f} s[/dim]")
            doing, since = f"{zh} [dim]{en}[/dim]" if zh else "", time.monotonic()
            status.update(doing)

        yield step
