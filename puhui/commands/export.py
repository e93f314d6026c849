"""`puhui export`: what the platform publishes about itself and what it counted, as files."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="导出接口描述与已结束月份的行为 · interfaces, and closed months", no_args_is_help=True
    )
    group.command("openapi", help="导出各接口面的 OpenAPI 文档 · the OpenAPI document of each surface")(
        openapi
    )
    group.command("acts", help="导出已结束月份的行为 · the acts of a closed month, as Parquet")(acts)
    app.add_typer(group, name="export")


def documents() -> dict[str, dict[str, Any]]:
    """The OpenAPI document of every surface, by its address; no server is needed."""
    from puhui import runtime
    from puhui.surfaces import SURFACES

    settings = runtime.load_settings()
    return {
        prefix: {**build(settings).openapi(), "servers": [{"url": prefix}]}
        for prefix, build in SURFACES.items()
    }


def openapi(
    folder: Annotated[Path, typer.Option("--to", help="目标文件夹 · the folder to write to")] = Path(
        "openapi"
    ),
) -> None:
    """Write one `<surface>-<version>.json` per surface and name each file."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, document in documents().items():
        path = folder / f"{prefix.strip('/').replace('/', '-')}.json"
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")
        print(path)


def acts(
    month: Annotated[str, typer.Argument(help="月份，如 2026-10 · the month")],
    *,
    folder: Annotated[Path, typer.Option("--to", help="目标文件夹 · the folder to write to")] = Path("acts"),
) -> None:
    """One file per methodology, region and overlays, with the packs beside them and a manifest.json that names them all.

    They name nobody, and `puhui quantify` computes the same grams from them.
    """
    from backend import intake
    from backend.kit.errors import DomainError
    from puhui import console, runtime

    try:
        first = dt.date.fromisoformat(f"{month}-01")
    except ValueError:
        raise typer.BadParameter("2026-10") from None

    async def work() -> list[intake.ExportedFile]:
        async with runtime.database(settings) as db:
            return await intake.export_month(db, month=first, folder=folder)

    try:
        with runtime.platform() as settings:
            files = runtime.run(work())
    except DomainError as error:
        console.refuse(error)
        raise typer.Exit(error.kind.exit_code) from None
    for one in files:
        console.out.print(f"{one.name}  {one.acts:,} · {one.grams:,} gCO2e", markup=False, soft_wrap=True)
        console.out.print(f"  {one.quantify}", markup=False, soft_wrap=True, style="dim")
    if not files:
        console.out.print("该月没有行为 · no acts in that month")
