"""`puhui bench`: our rate beside a reference's on the same server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backend.kit.settings import Settings
    from benchmarks.harness import Report
    from puhui import embedded

SCALE = ("intake-growth", "intake-memory", "intake-workers")
NAMES = ("post", "intake", *SCALE, "redeem", "read", "certify", "screens")


def register(app: typer.Typer) -> None:
    app.command(name="bench", help="基准测试：与参照物同机交替测量 · measure beside a reference")(bench)


def bench(
    name: Annotated[str, typer.Argument(help=" | ".join(NAMES))],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="轮数 · rounds")] = 5,
    seconds: Annotated[
        float, typer.Option(min=1, help="post、redeem、read、certify：每轮秒数 · seconds a round")
    ] = 10,
    rows: Annotated[
        int, typer.Option(min=1, help="intake：每轮行数，certify：叶子数 · rows a round, leaves")
    ] = 1_000_000,
    citizens: Annotated[
        int | None,
        typer.Option(min=1, help="intake、screens、redeem、read：人数 · citizens  [5000, 1500, 10000]"),
    ] = None,
    stored: Annotated[int, typer.Option(min=0, help="intake：先已入库的行数 · rows stored before")] = 0,
    seed: Annotated[
        list[int] | None, typer.Option(help="screens：城市的种子，可多次 · seeds of cities  [1 2 3]")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=60, help="screens：天数 · days")] = 14,
    real: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="screens：真实行程文件，可多次 · files of real trips"),
    ] = None,
) -> None:
    """Alternate rounds of ours and the reference's; the ratio told is the median of the rounds'."""
    from puhui import embedded, runtime

    settings = runtime.load_settings()
    if name not in NAMES:
        raise typer.BadParameter(" | ".join(NAMES))
    if name == "certify":  # a computation: it needs no server
        from benchmarks import certify

        _tell(certify.run(leaves=rows, seconds=seconds, rounds=rounds), as_json=as_json)
        return
    with embedded.servers(settings.data_dir) as servers:
        if name == "screens":
            seeds = seed if seed is not None else [] if real else [1, 2, 3]
            _screens(
                servers,
                settings,
                seeds=seeds,
                citizens=citizens or 1_500,
                days=days,
                paths=real or [],
                as_json=as_json,
            )
            return
        if name in SCALE:
            reports = [
                _scale(name, servers, settings, rows=rows, citizens=citizens, rounds=rounds, stored=stored)
            ]
        elif name == "intake":
            from benchmarks import intake

            reports = [
                runtime.run(
                    intake.run(
                        servers, settings, rows=rows, citizens=citizens or 5_000, rounds=rounds, stored=stored
                    )
                )
            ]
        elif name == "read":
            from benchmarks import read

            reports = runtime.run(
                read.run(
                    servers, settings, seconds=seconds, rounds=rounds, citizens=citizens or read.CITIZENS
                )
            )
        elif name == "redeem":
            from benchmarks import redeem

            reports = runtime.run(
                redeem.run(
                    servers,
                    settings,
                    seconds=seconds,
                    rounds=rounds,
                    citizens=citizens or redeem.CITIZENS,
                )
            )
        else:
            from benchmarks import post

            reports = runtime.run(post.run(servers, settings, seconds=seconds, rounds=rounds))
    _tell(reports, as_json=as_json)


def _scale(
    name: str,
    servers: embedded.Servers,
    settings: Settings,
    *,
    rows: int,
    citizens: int | None,
    rounds: int,
    stored: int,
) -> Report:
    """Intake with a long history, with a large file, and by several workers."""
    from benchmarks import intake_scale
    from puhui import runtime

    if name == "intake-growth":
        work = intake_scale.growth(
            servers,
            settings,
            rows=rows,
            citizens=citizens or 100_000,
            rounds=rounds,
            stored=stored or 50_000_000,
        )
    elif name == "intake-memory":
        work = intake_scale.memory(servers, settings, rows=rows, citizens=citizens or 20_000)
    else:
        work = intake_scale.workers(
            servers, settings, rows=rows, citizens=citizens or 5_000, rounds=rounds, count=4
        )
    return runtime.run(work)


def _screens(
    servers: embedded.Servers,
    settings: Settings,
    *,
    seeds: Sequence[int],
    citizens: int,
    days: int,
    paths: Sequence[Path],
    as_json: bool,
) -> None:
    """Screens against cities whose cheats are known, and against real files."""
    from benchmarks import scores, screens
    from puhui import console, runtime

    def progress(line: str) -> None:
        console.err.print(line, markup=False, style="dim")

    cities = runtime.run(
        screens.run(servers, settings, seeds=seeds, citizens=citizens, days=days, progress=progress)
    )
    files = runtime.run(screens.run_files(servers, settings, paths=paths, progress=progress)) if paths else []
    if as_json:
        console.print_json(screens.as_dict(cities, files))
        return
    width = console.out.width
    lines = scores.tables(screens.whole(cities), width=width) if cities else []
    for report in cities[:1]:
        lines += [f"未读 · not read: {', '.join(report.skipped)}"] if report.skipped else []
    lines += screens.by_seed(cities) + screens.by_file(files)
    console.out.print("\n".join(lines), markup=False, no_wrap=True, overflow="ignore", crop=False)


def _tell(reports: list[Report], *, as_json: bool) -> None:
    from puhui import console

    for report in reports:
        if as_json:
            console.print_json(report.as_dict())
        else:
            console.out.print(report.as_json(), markup=False, soft_wrap=True)
