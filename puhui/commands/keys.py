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


rotate = typer.Typer(no_args_is_help=True, help="更换密钥 · replace keys")
keys.add_typer(rotate, name="rotate")


@rotate.command("log", help="更换日志签名密钥 · let the next key sign the log")
def rotate_log() -> None:
    """The old key signs one last head, which covers the entry that names the new key."""
    from puhui import console, rotation, runtime

    with runtime.platform() as settings:
        key = runtime.run(rotation.rotate_log(settings))
    console.out.print(f"{key.name}: 第 {key.generation} 代 · generation {key.generation}, {key.key_id.hex()}")


@rotate.command("master", help="以新主密钥重新封存 · seal again with a new master key")
def rotate_master() -> None:
    """Embedded: make a new master key and seal again what the old one sealed. Given servers: seal again with
    PUHUI_MASTER_KEY what PUHUI_OTHER_MASTER_KEYS sealed. A run that was interrupted is finished by the next one.
    """
    from puhui import console, rotation, runtime

    settings = runtime.load_settings()
    if settings.embedded and settings.database_url is None and settings.master_key is None:
        done = rotation.rotate_embedded(settings)
    else:
        with runtime.servers(settings) as ready:
            runtime.require_schema(ready)
            runtime.require_root(ready)
            done = {"": runtime.run(rotation.rotate_master(ready))}
    for name, result in done.items():
        console.out.print(
            f"{name or 'database'}: 人员密钥 · persons {result.persons:,}, TOTP {result.totp:,}, "
            f"日志 · log {'第 ' + str(result.log_generation) + ' 代' if result.log_generation else '—'}"
        )
    console.out.print(
        "旧主密钥不再需要，根密钥须保留 · the former master is no longer needed; keep the root key"
    )


@keys.command(help="密钥状况 · what still rests on former keys")
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False
) -> None:
    """Count what the present master key sealed, what only another opens, and what nothing here opens."""
    from puhui import console, rotation, runtime

    with runtime.platform() as settings:
        found = runtime.run(rotation.survey(settings))
    if as_json:
        console.print_json(found.as_dict())
        return
    for name, value in found.as_dict().items():
        console.out.print(f"{name}: {value}")


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """The passphrase: the first line of a file, else asked for."""
    if file is not None:
        return file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
    asked: str = typer.prompt("口令 · passphrase", hide_input=True, confirmation_prompt=new, err=True)
    return asked
