"""`puhui packs new KIND ID`: a file in which everything that an author has to decide is marked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from backend.kit.errors import DomainError, Kind

SCAFFOLDS = Path(__file__).resolve().parents[1] / "scaffolds"


@dataclass(eq=False)
class KindWithoutScaffold(DomainError):
    """There is no scaffold for this kind of pack."""

    code = "packs.kind_without_scaffold"
    kind = Kind.INVALID
    title_zh = "这种规则包没有草稿。"

    known: str


@dataclass(eq=False)
class FileThere(DomainError):
    """A file of this name exists already; nothing was written."""

    code = "packs.file_there"
    kind = Kind.CONFLICT
    title_zh = "同名文件已经存在，没有写入。"

    file: str


@dataclass(eq=False)
class IdUnusable(DomainError):
    """An id is small letters and digits in words joined by dashes, such as sz-metro-km, and is not taken yet."""

    code = "packs.id_unusable"
    kind = Kind.INVALID
    title_zh = "编号由小写字母和数字的词以连字符连接，例如 sz-metro-km，且不得与已有的相同。"


def kinds() -> list[str]:
    """The kinds of pack that can be begun."""
    return sorted(path.stem for path in SCAFFOLDS.glob("*.toml"))


def new(
    kind: Annotated[
        str, typer.Argument(help="methodology、programme、mapping 或 screens · the kind of pack")
    ],
    pack_id: Annotated[str, typer.Argument(metavar="ID", help="编号，例如 sz-metro-km · its id")],
    *,
    folder: Annotated[
        Path, typer.Option("--folder", help="写到哪个文件夹，默认为当前文件夹 · where to write it")
    ] = Path(),
) -> None:
    """Write ID.toml. `puhui packs check ID.toml` then lists what is to be filled in, with the line of each."""
    from puhui import console

    try:
        file = write(kind, pack_id, folder)
    except DomainError as error:
        console.refuse(error)
        raise typer.Exit(error.kind.exit_code) from None
    console.out.print(f"✓ {file}", markup=False, soft_wrap=True)
    console.out.print(
        f"puhui packs check {file}：逐行列出待填写之处 · lists what is to be filled in",
        markup=False,
        soft_wrap=True,
    )


def write(kind: str, pack_id: str, folder: Path) -> Path:
    """Write the scaffold and answer its file; `KindWithoutScaffold`, `IdUnusable`, `FileThere`."""
    from backend import packs
    from backend.packs.schema import PACK_ID
    from puhui.pack_kinds import register_kinds

    if kind not in kinds():
        raise KindWithoutScaffold(known=", ".join(kinds()))
    register_kinds()
    if not re.fullmatch(PACK_ID, pack_id) or pack_id in packs.load_all().packs:
        raise IdUnusable
    file = folder / f"{pack_id}.toml"
    text = (SCAFFOLDS / f"{kind}.toml").read_text("utf-8").replace("{id}", pack_id)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise FileThere(file=str(file)) from None
    return file
