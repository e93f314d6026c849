"""`puhui export`: what the platform publishes about itself, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="导出接口描述 · export what outside programs rely on", no_args_is_help=True)
    group.command("openapi", help="导出各接口面的 OpenAPI 文档 · the OpenAPI document of each surface")(
        openapi
    )
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
