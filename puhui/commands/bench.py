"""`puhui bench`: our rate beside a reference's on the same server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmarks.harness import Report

NAMES = ("post", "intake", "redeem", "certify")


def register(app: typer.Typer) -> None:
    app.command(name="bench", help="基准测试：与参照物同机交替测量 · measure beside a reference")(bench)


def bench(
    name: Annotated[str, typer.Argument(help=" | ".join(NAMES))],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="轮数 · rounds")] = 5,
    seconds: Annotated[
        float, typer.Option(min=1, help="post、redeem、certify：每轮秒数 · seconds a round")
    ] = 10,
    rows: Annotated[
        int, typer.Option(min=1, help="intake：每轮行数，certify：叶子数 · rows a round, leaves")
    ] = 1_000_000,
    citizens: Annotated[int, typer.Option(min=1, help="intake：人数 · citizens")] = 5_000,
    stored: Annotated[int, typer.Option(min=0, help="intake：先已入库的行数 · rows stored before")] = 0,
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
        if name == "intake":
            from benchmarks import intake

            reports = [
                runtime.run(
                    intake.run(servers, settings, rows=rows, citizens=citizens, rounds=rounds, stored=stored)
                )
            ]
        elif name == "redeem":
            from benchmarks import redeem

            reports = runtime.run(redeem.run(servers, settings, seconds=seconds, rounds=rounds))
        else:
            from benchmarks import post

            reports = runtime.run(post.run(servers, settings, seconds=seconds, rounds=rounds))
    _tell(reports, as_json=as_json)


def _tell(reports: list[Report], *, as_json: bool) -> None:
    from puhui import console

    for report in reports:
        if as_json:
            console.print_json(report.as_dict())
        else:
            console.out.print(report.as_json(), markup=False, soft_wrap=True)
