"""`puhui packs list`: what the library holds, how far each pack can be trusted, and what it does not know."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from backend.packs import Listed

_CONFIDENCE = {"high": "高", "medium": "中", "low": "低", "unknown": "未知"}
_STATUS = {"demo": "演示", "draft": "草案", "filed": "已备案", "retired": "停用"}


def show(
    *,
    kind: Annotated[str, typer.Option(help="只列这一种 · only this kind")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """List the packs that come with the project: version, status, region, weakest source, and what is unknown.

    Confidence is that of the weakest figure that a pack computes with.
    """
    from backend import packs
    from puhui import console
    from puhui.pack_kinds import register_kinds

    register_kinds()
    every = [packs.listed(pack) for pack in packs.load_all().packs.values()]
    kinds = sorted({one.kind for one in every})
    if kind and kind not in kinds:
        raise typer.BadParameter(f"没有这种规则包 · no such kind; 可用 · known: {', '.join(kinds)}")
    chosen = [one for one in every if kind in ("", one.kind)]
    if as_json:
        console.print_json([dataclasses.asdict(one) for one in chosen])
        return
    for name in kinds:
        of_kind = [one for one in chosen if one.kind == name]
        if of_kind:
            print_kind(console.out, name, of_kind)


def print_kind(out: Console, name: str, packs: list[Listed]) -> None:
    """One heading and a few lines per pack, wrapped to the width of `out`."""
    from rich.padding import Padding
    from rich.text import Text

    out.print(Text(f"{name} · {len(packs)}", style="bold"))
    for pack in packs:
        status = f"{_STATUS.get(pack.status, '')} {pack.status}".strip()
        facts = [pack.version, status, "官方 official" if pack.official else "", pack.region]
        if pack.confidence:
            facts.append(f"可信度 {_CONFIDENCE.get(pack.confidence, '')} {pack.confidence}")
        out.print(Text(f"  {pack.id}", style="cyan").append(f"  {pack.sha256[:12]}", style="dim"))
        lines = [pack.title_zh, " · ".join(fact for fact in facts if fact)]
        if pack.source:
            lines.append(f"来源 source: {pack.source}")
        if pack.unknown_figures:
            lines.append(f"未知 unknown: {', '.join(pack.unknown_figures)}")
        if not pack.sound:
            lines.append("有错误 faulty: puhui packs check")
        for line in lines:
            out.print(Padding(Text(line), (0, 0, 0, 4)))
