"""`puhui packs simulate PACK`: what a changed methodology or programme would have meant for acts already stored."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backend.intake.simulating import Band, Simulation
    from backend.kit.settings import Settings
    from backend.packs import Pack


def simulate(
    pack: Annotated[
        str, typer.Argument(help="方法学或计划：文件或编号 · methodology or programme: file or id")
    ],
    *,
    programme: Annotated[
        str | None,
        typer.Option(
            "--programme", "-p", help="同时试算的计划，文件或编号 · a programme to try along with it"
        ),
    ] = None,
    overlay: Annotated[
        list[str] | None,
        typer.Option(
            "--overlay",
            help="计划的叠加包，文件或编号，可重复；不写则用它现行的 · overlays of the programme; those it runs by where left out",
        ),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="首日（含） · first day, included")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="末日（含） · last day, included")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """Read stored acts, compute them again by the pack, and compare. Nothing is written.

    Shows grams and points before and after by activity and month, how many people gain or lose how much, and what it
    costs. Groups of fewer than five people are merged; a period in which fewer than five acted is refused.
    """
    from backend.kit.errors import DomainError
    from puhui import console, runtime

    try:
        tried = [find(name) for name in (pack, programme) if name is not None]
        overlays = None if overlay is None else [find(name) for name in overlay]
        with runtime.platform() as settings:
            found = runtime.run(compute(settings, tried, first, last, overlays=overlays))
    except DomainError as error:
        console.refuse(error)
        raise typer.Exit(error.kind.exit_code) from None
    if as_json:
        console.print_json(found.as_dict())
    else:
        tell(found)


def find(name: str) -> Pack:
    """A pack by file or by id; the file wins when there is one."""
    from backend import packs
    from puhui.pack_kinds import register_kinds

    register_kinds()
    if name.endswith(".toml") or Path(name).is_file():
        return packs.load(name)
    return packs.load_all().find(name)


async def compute(
    settings: Settings,
    tried: Sequence[Pack],
    first: datetime | None,
    last: datetime | None,
    *,
    overlays: Sequence[Pack] | None = None,
) -> Simulation:
    """Try packs over the acts of a span of days, in one read-only snapshot."""
    from backend import packs
    from backend.intake import simulating
    from puhui import runtime

    async with runtime.database(settings) as db, db.transaction() as session:
        await session.connection(
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        return await simulating.simulate(
            session,
            tried=tried,
            library=packs.load_all(),
            overlays=overlays,
            first=first.date() if first else None,
            last=last.date() if last else None,
        )


def tell(found: Simulation) -> None:
    """Print a simulation for people."""
    from rich.table import Table

    from puhui import console

    for pack_id, sha256 in found.packs.items():
        console.out.print(f"{pack_id}  {sha256[:12]}", markup=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("行为\nactivity", "月份\nmonth"):
        table.add_column(heading)
    for heading in (
        "次数\nacts",
        "克：前\ngrams before",
        "后\nafter",
        "积分：前\npoints before",
        "后\nafter",
    ):
        table.add_column(heading, justify="right")
    rows = [(group.activity, group.month, group.sums) for group in found.groups]
    for activity, month, sums in [*rows, ("合计 total", "", found.total)]:
        numbers = (sums.acts, sums.grams_before, sums.grams_after, sums.points_before, sums.points_after)
        table.add_row(activity, month, *(f"{number:,}" for number in numbers))
    console.out.print(table)
    cost = found.total.points_after - found.total.points_before
    console.out.print(
        f"代价 cost: {cost:+,} 积分 points；未到期负债 liability {found.liability:+,}；"
        f"{found.people:,} 人 people",
        markup=False,
        soft_wrap=True,
    )
    _bands("积分 points", found.by_points)
    _bands("克 grams", found.by_grams)
    for campaign, points in found.campaigns.items():
        console.out.print(f"活动 campaign {campaign}: {points:+,} 积分 points", markup=False, soft_wrap=True)
    for code, acts in found.refused.items():
        console.out.print(f"不再计算 no longer counted: {code} {acts:,}", markup=False, soft_wrap=True)


def _bands(what: str, bands: Sequence[Band]) -> None:
    from puhui import console

    for band in bands:
        low = "…" if band.least is None else f"{band.least:+,}"
        high = "…" if band.most is None else f"{band.most:+,}"
        span = low if low == high else f"{low} … {high}"
        console.out.print(f"  {what} {span}: {band.people:,} 人 people", markup=False, soft_wrap=True)
