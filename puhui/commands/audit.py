"""`puhui audit`: recompute every invariant from the rows, and name whatever does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backend.kit.settings import Settings
    from puhui.audit import Report


def register(app: typer.Typer) -> None:
    app.command(help="重算并核对账本 · recompute and prove the books")(audit)


def audit(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
    seal: Annotated[
        bool, typer.Option("--seal", help="先封存并签署日志 · seal and sign the log first")
    ] = False,
) -> None:
    """Check everything that must hold, of one moment; exit 1 when something does not.

    Changes nothing, unless `--seal` asks for what is finished to be sealed and signed first.
    """
    from puhui import console, runtime

    with runtime.platform() as settings:
        report = runtime.run(_audit(settings, seal=seal, quiet=as_json))
    if as_json:
        console.print_json(report.as_dict())
    else:
        _show(report)
    raise typer.Exit(0 if report.passed else 1)


async def _audit(settings: Settings, *, seal: bool, quiet: bool) -> Report:
    from backend import log
    from puhui import console, runtime
    from puhui.audit import Invariant
    from puhui.audit import audit as run

    async with runtime.database(settings) as db:
        if seal:
            await log.seal_and_publish(db, settings=settings)
        if quiet or not console.err.is_terminal:
            return await run(db, settings)
        with console.err.status("…") as status:

            def progress(invariant: Invariant) -> None:
                status.update(f"{invariant.zh} · {invariant.en}")

            return await run(db, settings, progress=progress)


def _show(report: Report) -> None:
    """The table, every named violation, and what was not covered."""
    from rich.table import Table
    from rich.text import Text

    from puhui import console

    table = Table(box=None, pad_edge=False)
    table.add_column()
    table.add_column("不变式 · invariant", overflow="fold")
    table.add_column("行 · rows", justify="right", no_wrap=True)
    table.add_column("违反 · violations", justify="right", no_wrap=True)
    for result in report.results:
        found = result.checked.found
        table.add_row(
            Text("✗", style="bold red") if found else Text("✓", style="green"),
            Text(f"{result.invariant.zh}\n{result.invariant.en}"),
            f"{result.checked.rows:,}",
            Text(f"{found:,}", style="bold red" if found else ""),
        )
    console.out.print(table)
    for result in report.results:
        for violation in result.checked.violations:
            where = f"{violation.table} {violation.place}".rstrip()
            console.out.print(Text("✗ ", style="bold red") + Text(f"{where}: {violation.zh}"), soft_wrap=True)
            console.out.print(Text(f"  {violation.en}"), soft_wrap=True)
        unnamed = result.checked.found - len(result.checked.violations)
        if unnamed:
            console.out.print(f"  {result.invariant.name}: 另有 {unnamed:,} 处 · {unnamed:,} more")
    waiting = sum(report.unsealed.values())
    if waiting:
        console.out.print(f"尚未封存 {waiting:,} 行 · {waiting:,} rows are not sealed yet (--seal)")
    console.out.print(
        "审计通过 · the audit passed"
        if report.passed
        else f"审计未通过：{report.found:,} 处违反 · the audit failed: {report.found:,} violations"
    )
