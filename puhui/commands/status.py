"""`puhui status`: do the servers answer, and does the schema fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backend.kit.settings import Settings


def register(app: typer.Typer) -> None:
    app.command(help="服务器是否应答 · do the servers answer")(status)


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False
) -> None:
    """Ask both servers a question and print the answer; starts and changes nothing. Exit 0 when both answer."""
    from puhui import console, runtime

    settings = runtime.load_settings()
    found = _embedded(settings) if settings.embedded else _given(settings)
    if as_json:
        console.print_json(found)
    else:
        for name in ("postgres", "valkey"):
            mark = "[green]✓ 应答 · answers[/]" if found[name] else "[red]✗ 无应答 · does not answer[/]"
            console.out.print(f"{name:9} {mark}")
        for name, value in found.items():
            if name not in {"postgres", "valkey"} and value is not None:
                console.out.print(f"{name:9} {value}", markup=False)
    raise typer.Exit(0 if found["postgres"] and found["valkey"] else 1)


def _embedded(settings: Settings) -> dict[str, Any]:
    from puhui import embedded

    now = embedded.status(settings.data_dir)
    return {
        "postgres": now.postgres,
        "valkey": now.valkey,
        "data_dir": str(now.data_dir),
        "pids": [pid for pid in (now.postgres_pid, now.valkey_pid) if pid] or None,
        "in_use": now.users,
    }


def _given(settings: Settings) -> dict[str, Any]:
    from puhui import runtime

    return {"postgres": runtime.database_answers(settings), "valkey": runtime.redis_answers(settings)}
