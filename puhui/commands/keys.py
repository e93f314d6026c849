"""`puhui keys`: what the platform signs and hides with: kept apart from backups, replaced, and looked after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

keys = typer.Typer(no_args_is_help=True, help="密钥 · keys: keep them apart, replace them")


def register(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


@keys.command(help="新主密钥 · print a fresh master key")
def new() -> None:
    """Print a key for PUHUI_MASTER_KEY. It is kept nowhere."""
    from backend.kit.keys import encoded, new_key

    print(encoded(new_key()))


@keys.command(help="把密钥存入加密文件 · save the keys into an encrypted file, to be kept apart from backups")
def save(
    file: Annotated[Path, typer.Argument(help="新文件 · a new file")],
    *,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="口令所在文件 · a file with the passphrase")
    ] = None,
) -> None:
    """Write every secret that a restore needs into FILE, which only the passphrase opens."""
    from puhui import console, keyfile, runtime
    from puhui.embedded.folder import Folder

    settings = runtime.load_settings()
    folder = Folder(settings.data_dir.expanduser().resolve())
    passwords = folder.passwords() if settings.embedded and folder.exists else {}
    word = passphrase(passphrase_file, new=True)
    keyfile.write(file, keyfile.Secrets(settings.ring, passwords), passphrase=word)
    console.out.print(f"{file}: 请与备份分开保存 · keep it apart from the backups")


@keys.command(help="为 docker-compose.yml 生成密钥与口令 · make the secrets of docker-compose.yml")
def deployment(
    folder: Annotated[Path, typer.Argument(help="目录 · the folder, deploy/secrets")],
) -> None:
    """Write four files of settings with fresh passwords and a fresh master key, for their owner only."""
    from puhui import console, deployment

    for path in deployment.write(folder):
        console.out.print(str(path))
    console.out.print("请保存主密钥 · keep the master key in platform.env, apart from every backup")


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """The passphrase: the first line of a file, else asked for."""
    if file is not None:
        return file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
    asked: str = typer.prompt("口令 · passphrase", hide_input=True, confirmation_prompt=new, err=True)
    return asked
