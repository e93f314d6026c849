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
    incremental: Annotated[
        bool, typer.Option("--incremental", help="仅查上次通过后新增的 · of history, what was added since")
    ] = False,
) -> None:
    """Check everything that must hold, of one moment; exit 1 when something does not.

    With `--incremental`, of sealed rows, log entries, transfers and actions only what was added since the last audit
    that passed; balances, identities and counts are always checked whole. It changes nothing but records that it was
    run; `--seal` asks for what is finished to be sealed and signed first.
    """
    from puhui import console, runtime

    with runtime.platform() as settings:
        report = runtime.run(_audit(settings, seal=seal, incremental=incremental, quiet=as_json))
    if as_json:
        console.print_json(report.as_dict())
    else:
        _show(report)
    raise typer.Exit(0 if report.passed else 1)


async def _audit(settings: Settings, *, seal: bool, incremental: bool, quiet: bool) -> Report:
    from backend import log
    from puhui import console, runtime
    from puhui.audit import Invariant, conduct

    async with runtime.database(settings) as db:
        if seal:
            await log.seal_and_publish(db, settings=settings)
        if quiet or not console.err.is_terminal:
            return await conduct(db, settings, incremental=incremental)
        with console.err.status("…") as status:

            def progress(invariant: Invariant) -> None:
                status.update(f"{invariant.zh} · {invariant.en}")

            return await conduct(db, settings, incremental=incremental, progress=progress)


def _show(report: Report) -> None:
    """The table, every named violation, and what was not covered."""
    from rich.table import Table
    from rich.text import Text

    from puhui import console

    table = Table(box=None, pad_edge=False)
    table.add_column()
    table.add_column("不变式 · invariant", overflow="fold")
    in_part = [result.invariant.name for result in report.results if result.in_part]
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
    if report.rests_on is not None:
        at = report.rests_on.ended_at
        console.out.print(
            f"增量：{', '.join(in_part)} 只查 {at:%Y-%m-%d %H:%M}Z 之后新增的；此前已通过的部分未再查看 · "
            f"in part: these looked only at what was added since; what had passed was not looked at again",
            soft_wrap=True,
        )
    waiting = sum(report.unsealed.values())
    if waiting:
        console.out.print(f"尚未封存 {waiting:,} 行 · {waiting:,} rows are not sealed yet (--seal)")
    console.out.print(
        "审计通过 · the audit passed"
        if report.passed
        else f"审计未通过：{report.found:,} 处违反 · the audit failed: {report.found:,} violations"
    )
