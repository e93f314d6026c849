"""`puhui packs`: check rule packs, list those that come with the project, begin new ones, try changed ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from puhui.commands.packs_list import show
from puhui.commands.packs_new import new
from puhui.commands.packs_simulate import simulate


def register(app: typer.Typer) -> None:
    packs = typer.Typer(no_args_is_help=True)
    packs.command(name="check", help="检查规则包 · check rule packs")(check)
    packs.command(name="list", help="列出规则包 · list rule packs")(show)
    packs.command(name="new", help="写出一份待填写的规则包 · scaffold a pack to be filled in")(new)
    packs.command(name="simulate", help="在已存的行为上试算 · try a changed pack over stored acts")(simulate)
    app.add_typer(packs, name="packs", help="规则包：以数据写成的规则与科学 · law and science as data")


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="文件或文件夹，默认为随项目的规则包 · files or folders")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """Print every fault as `file:line key: reason`, in Chinese and in English, and exit 1 when there is one.

    Packs given by path may refer to the packs that come with the project.
    """
    from backend import packs
    from puhui import console
    from puhui.pack_kinds import register_kinds

    register_kinds()
    roots = paths or [packs.builtin_root()]
    library = packs.gather(packs.load(file) for root in roots for file in packs.files_below(root))
    faults = [*library.faults, *packs.check_references(library, beside=packs.load_all())]
    if as_json:
        console.print_json(
            {
                "packs": [_facts(pack) for pack in library.packs.values()],
                "faults": [
                    {
                        name: getattr(fault, name)
                        for name in ("file", "line", "key", "code", "message_zh", "message_en")
                    }
                    for fault in faults
                ],
            }
        )
        raise typer.Exit(1 if faults else 0)
    for fault in faults:
        console.out.print(fault.text("zh"), markup=False, soft_wrap=True)
        console.out.print(f"  {fault.message_en}", markup=False, soft_wrap=True)
    sound = [pack for pack in library.packs.values() if not pack.faults]
    mark = "✗" if faults else "✓"
    console.out.print(
        f"{mark} {len(sound)} 个规则包无误，{len(faults)} 处错误 · {len(sound)} packs sound, {len(faults)} faults"
    )
    raise typer.Exit(1 if faults else 0)


def _facts(pack: object) -> dict[str, object]:
    return {name: getattr(pack, name) for name in ("id", "kind", "version", "sha256", "file")}
