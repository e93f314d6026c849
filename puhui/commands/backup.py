"""`puhui backup` and `puhui restore`: the embedded database, copied while it runs and put back into an empty folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.kit.errors import DomainError, Kind

if TYPE_CHECKING:
    from puhui.embedded.manifest import Manifest


@dataclass(eq=False)
class ServersAreGiven(DomainError):
    """The settings name servers of their own: back them up with PostgreSQL's tools, as docs/operations.md says."""

    code = "puhui.servers_are_given"
    kind = Kind.CONFLICT
    title_zh = "当前设置使用外部服务器：请按 docs/operations.md 用 PostgreSQL 自带工具备份。"


def register(app: typer.Typer) -> None:
    app.command(help="备份内置数据库 · copy the embedded database while it runs")(backup)
    app.command(help="从备份恢复到空目录 · restore a backup into an empty data folder")(restore)


def backup(
    folder: Annotated[Path, typer.Argument(help="新目录 · a new folder")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """Copy the database of this moment into FOLDER. The keys are not in it: see `puhui keys save`."""
    from puhui import console, embedded, runtime

    settings = runtime.load_settings()
    if not settings.embedded or settings.database_url is not None:
        raise ServersAreGiven
    with runtime.servers(settings), console.err.status("…"):
        taken = embedded.backup.take(settings.data_dir, folder, ring=settings.ring)
    _tell(taken, folder, as_json=as_json)


def restore(
    folder: Annotated[Path, typer.Argument(help="备份目录 · the backup")],
    *,
    keys: Annotated[Path, typer.Option(help="密钥文件 · the key file of `puhui keys save`")],
    passphrase_file: Annotated[
        Path | None, typer.Option(help="口令所在文件 · a file with its passphrase")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """Fill the data folder (PUHUI_DATA_DIR), which must be empty, and check that the signed heads are there."""
    from puhui import console, embedded, keyfile, runtime
    from puhui.commands.keys import passphrase

    settings = runtime.load_settings()
    if not settings.embedded or settings.database_url is not None:
        raise ServersAreGiven
    kept = keyfile.read(keys, passphrase=passphrase(passphrase_file))
    with console.err.status("…"):
        restored = embedded.backup.restore(
            folder, settings.data_dir, ring=kept.ring, passwords=kept.passwords
        )
    _tell(restored, folder, as_json=as_json)


def _tell(whole: Manifest, folder: Path, *, as_json: bool) -> None:
    from puhui import console

    if as_json:
        databases = {
            name: {"revision": base.revision, "head_size": base.head_size, "head": base.head_note}
            for name, base in whole.databases.items()
        }
        console.print_json(
            {
                "folder": str(folder),
                "taken_at": whole.taken_at,
                "files": len(whole.files),
                "bytes": whole.bytes,
                "databases": databases,
            }
        )
        return
    console.out.print(
        f"{folder}: {len(whole.files):,} 个文件 · files, {whole.bytes / 1e6:,.1f} MB, {whole.taken_at}"
    )
    for name, base in whole.databases.items():
        console.out.print(f"  {name}: {base.revision}, 树头 · signed head {base.head_size:,}")
