"""`puhui ingest FILE --source CODE`: a partner's file to accepted acts, grams and points, nothing counted twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.kit.errors import DomainError

if TYPE_CHECKING:
    from rich.text import Text

    from backend.intake import Mapping, Summary
    from puhui.taking_in import Taken


def register(app: typer.Typer) -> None:
    app.command(help="接入合作方的文件 · take in a partner's file: CSV, NDJSON, Parquet or XLSX")(ingest)


def ingest(
    file: Annotated[Path, typer.Argument(help="CSV、NDJSON、Parquet 或 XLSX 文件 · the file")],
    *,
    source: Annotated[str, typer.Option("--source", "-s", help="数据来源代码 · code of the source")],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map", "-m", help="映射文件，默认为来源登记的映射 · mapping file (default: the source's own)"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(
            "--rejected", help="未接受的行写入此文件 · where refused rows are listed, with line and reason"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只试算，不入库 · say what would become of it, store nothing")
    ] = False,
    chunk_rows: Annotated[int | None, typer.Option("--chunk-rows", min=1, hidden=True)] = None,
) -> None:
    """Every row is accepted, a duplicate, a conflict, rejected with its line and reason, or left out by the mapping.

    After a crash the same command goes on where the last one stopped; a file taken in before brings duplicates only.
    """
    from puhui import console, runtime, taking_in

    described = _mapping_in(mapping) if mapping is not None else None
    try:
        with runtime.platform() as settings:
            taken = runtime.run(
                taking_in.take_in(
                    settings,
                    path=file,
                    source=source,
                    mapping=described,
                    rejected=rejected,
                    chunk_rows=chunk_rows,
                    dry_run=dry_run,
                    show=console.err,
                )
            )
    except DomainError as error:
        console.refuse(error)
        hint = taking_in.hint_for(error, source=source, path=file)
        if hint:
            console.err.print(hint, markup=False, soft_wrap=True)
        raise typer.Exit(error.kind.exit_code) from None
    except KeyboardInterrupt:
        console.err.print(
            "已中断；再次运行同一命令即从中断处继续。 · Stopped; the same command goes on from here."
        )
        raise typer.Exit(130) from None
    if as_json:
        console.print_json(taken.as_dict())
    else:
        _show(taken)


def _mapping_in(file: Path) -> Mapping:
    """The mapping in a file; every fault is listed with its line, in both languages, and ends the command."""
    from backend import intake, packs
    from puhui import console

    pack = packs.load(file)
    faults = [*pack.faults, *packs.check_references(packs.gather([pack]), beside=packs.load_all())]
    for fault in faults:
        console.err.print(fault.text("zh"), markup=False, soft_wrap=True)
        console.err.print(f"  {fault.message_en}", markup=False, soft_wrap=True)
    if faults:
        raise typer.Exit(packs.PackFaulty.kind.exit_code)
    return intake.mapping_of(pack)


def _show(taken: Taken) -> None:
    from rich.table import Table
    from rich.text import Text

    from puhui import console

    summary = taken.summary
    parts = _parts(summary)
    console.out.print(Text(f"{taken.file_name} → {taken.source}", style="bold"))
    table = Table(box=None, show_edge=False, pad_edge=False, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for zh, en, rows in parts:
        table.add_row(_words(zh, en), f"{rows:,}", "")
    mark = "✓" if summary.received == sum(rows for _, _, rows in parts) else "✗"
    table.add_row(_words("收到", "received"), Text(f"{summary.received:,}", style="bold"), mark)
    table.add_row(_words("减排量", "reduction, gCO2e"), f"{summary.grams:,}", "")
    table.add_row(_words("已发积分", "points posted"), f"{summary.points:,}", "")
    console.out.print(table)
    waiting = [_waiting(summary.waiting)] if summary.waiting else []
    for zh, en in (*waiting, *taken.notes):
        console.out.print(_words(zh, en, between="\n"))
    if taken.rejected_file is not None:
        console.out.print(_words("未接受的行及原因", "rows not accepted, with reasons:"))
        console.out.print(Text(str(taken.rejected_file), style="cyan"), soft_wrap=True)


def _words(zh: str, en: str, *, between: str = " ") -> Text:
    from rich.text import Text

    return Text.assemble(zh, between, (en, "dim"))


def _parts(summary: Summary) -> list[tuple[str, str, int]]:
    return [
        ("接受", "accepted", summary.accepted),
        ("重复", "duplicates", summary.duplicates),
        ("冲突", "conflicts", summary.conflicts),
        ("拒绝", "rejected", summary.rejected),
        ("按映射略过", "filtered by the mapping", summary.filtered),
    ]


def _waiting(acts: int) -> tuple[str, str]:
    zh = f"其中 {acts:,} 条行为所用的卡或账户尚无人关联：行为已记录，积分待关联后领取，减排量不入池。"
    en = (
        f"{acts:,} of the accepted acts wait: nobody holds their card or account yet. "
        "Points can be claimed after linking; their grams never enter a pool."
    )
    return zh, en
