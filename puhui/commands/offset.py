"""`puhui offset evaluate FILE.json`: how many tonnes an enterprise may use as offsets; no database, nothing is kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from offset_bridge.rules import Answer


def register(app: typer.Typer) -> None:
    offset = typer.Typer(no_args_is_help=True)
    offset.callback()(_group)
    offset.command(name="evaluate", help="按抵消规则计算可用吨数 · usable tonnes by a market's rules")(
        evaluate
    )
    app.add_typer(offset, name="offset", help="履约抵消 · offsets in a compliance market")


def _group() -> None:
    """Keeps `evaluate` a command of its own while it is the only one."""


def evaluate(
    file: Annotated[Path, typer.Argument(help="JSON 文件，- 为标准输入 · - reads standard input")],
    *,
    market: Annotated[
        str | None,
        typer.Option("--market", help="市场编号或规则包文件，优先于文件中的 market · market id or pack file"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="在终端上也输出 JSON · print JSON on a terminal too")
    ] = False,
) -> None:
    """Print the answer as JSON, or as a table for people on a terminal; exit 2 with an error when there is none."""
    from backend.kit.errors import DomainError
    from offset_bridge import rules
    from puhui import console

    plain = as_json or not sys.stdout.isatty()
    try:
        case = rules.read_case(_read(file))
        answer = rules.evaluate(case, rules.find_market(market or case.market, year=case.compliance_year))
    except DomainError as error:
        if plain:
            console.print_json({"error": _shape(error)})
        else:
            console.refuse(error)
        raise typer.Exit(2) from None
    if plain:
        console.print_json(answer.json())
    else:
        _tell(answer)


def _read(file: Path) -> bytes:
    from offset_bridge.rules import CaseInvalid
    from offset_bridge.rules.reading import MAX_BYTES

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with file.open("rb") as source:
            return source.read(MAX_BYTES + 1)
    except OSError:
        raise CaseInvalid("$", "文件无法读取", "the file cannot be read") from None


def _shape(error: Any) -> dict[str, Any]:
    from offset_bridge.rules import OffsetError

    if isinstance(error, OffsetError):
        return error.answer()
    code = error.code.partition(".")[2] or error.code
    return {"code": code, "message_zh": error.message("zh"), "message_en": error.message(), "source": None}


def _tell(answer: Answer) -> None:
    """The same for people: a line per lot with its reasons, then the constraints."""
    from rich.markup import escape

    from puhui import console

    say = console.out.print
    cap = "?" if answer.cap_t is None else f"{answer.cap_t:,}"
    say(f"{answer.market.market} · {answer.edition} · 上限 cap {cap} t · 可用 usable {answer.usable_t:,} t")
    for line in answer.lines:
        say(f"  {escape(line.id)}: {line.usable_t:,} t", soft_wrap=True)
        for reason in line.reasons:
            say(f"    ✗ {reason.message_zh} · {reason.message_en}", markup=False, soft_wrap=True)
    for limit in answer.constraints:
        mark = " ◀" if limit.binding else ""
        say(f"  {limit.id}: {limit.used_t:,} / {limit.limit_t:,} t{mark}", markup=False, soft_wrap=True)
    for warning in answer.warnings:
        say(f"  ! {warning.message_zh} · {warning.message_en}", markup=False, soft_wrap=True)
