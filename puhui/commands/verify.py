"""`puhui verify FILE.json`: check a proof with nothing but the file and the log's public key; no database, no network."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from backend.certification.proofs import PinnedKey, Verdict


def register(app: typer.Typer) -> None:
    app.command(help="离线验证证明：日志条目、序列号、行为收据 · check a proof offline")(verify)


def verify(
    file: Annotated[Path, typer.Argument(help="JSON 文件，- 为标准输入 · - reads standard input")],
    *,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            help="日志公钥：文件或 base64，从别处取得 · the log's public key, got elsewhere: file or base64",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False,
) -> None:
    """Exit 0 when everything in the proof holds, 1 when a check fails, 2 when the file or the key cannot be read.

    Without --key the key in the file is used: the proof then agrees with itself, and you still have to make sure that
    the key is the log's.
    """
    from backend.certification import proofs
    from backend.kit.errors import DomainError
    from puhui import console

    try:
        verdict = proofs.verify(proofs.read(_read(file)), key=None if key is None else _pinned(key))
    except DomainError as error:
        if as_json:
            said = {"message_zh": error.message("zh"), "message_en": error.message()}
            console.print_json({"error": {"code": error.code, **error.facts(), **said}})
        else:
            console.refuse(error)
        raise typer.Exit(2) from None
    if as_json:
        console.print_json(_shape(verdict))
    else:
        for line in _account(verdict):
            console.out.print(_printable(line), markup=False, soft_wrap=True)
    raise typer.Exit(0 if verdict.proven else 1)


def _read(file: Path) -> bytes:
    from backend.certification.proofs.shape import MAX_BYTES, ProofUnreadable

    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with file.open("rb") as source:
            return source.read(MAX_BYTES + 1)
    except (OSError, ValueError):
        raise ProofUnreadable("$", "无法打开", "cannot be opened") from None


def _pinned(key: str) -> PinnedKey:
    """The key in a file of that name, else the one that is written there."""
    from backend.certification import proofs

    try:
        with Path(key).open("rb") as source:
            written = source.read(4096).decode("utf-8-sig")
    except (OSError, ValueError):
        written = key
    return proofs.parse_key(written)


def _shape(verdict: Verdict) -> dict[str, Any]:
    head = verdict.head
    return {
        "proven": verdict.proven,
        "kind": verdict.kind,
        "key": {
            "name": verdict.key.name,
            "public_key": base64.b64encode(verdict.key.public_key).decode(),
            "pinned": verdict.pinned,
        },
        "head": head
        and {"size": head.size, "root": head.root.hex(), "signed_at": head.signed_at.isoformat()},
        "checks": [
            {
                "check": check.code,
                "at": check.at,
                "passed": check.passed,
                "message_zh": check.message("zh"),
                "message_en": check.message("en"),
            }
            for check in verdict.checks
        ],
        "facts": verdict.facts,
    }


# --- for people --------------------------------------------------------------------------------------------------


def _account(verdict: Verdict) -> Iterator[str]:
    yield "✓ 证明成立 · proven" if verdict.proven else "✗ 证明不成立 · NOT proven"
    if verdict.proven:
        yield ""
        yield from {"inclusion": _inclusion, "serial": _serial, "receipt": _receipt}[verdict.kind](
            verdict.facts
        )
    yield ""
    yield "检查 · Checks"
    for check in verdict.checks:
        mark = "✓" if check.passed else "✗"
        where = "" if check.passed else f"  [{check.code} {check.at}]"
        yield f"  {mark} {check.message('zh')} · {check.message('en')}{where}"
    yield ""
    if verdict.head is not None:
        at = verdict.head.signed_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        yield f"日志 · Log  {verdict.key.name}，{verdict.head.size} 条 · entries，签署于 · signed {at}"
    yield f"公钥 · Key  {base64.b64encode(verdict.key.public_key).decode()}"
    if not verdict.pinned:
        yield "  ! 公钥取自文件本身。请从别处核对它确属该日志，或用 --key 指定。"
        yield "    The key was taken from the file itself. Make sure elsewhere that it is the log's, or give it with --key."


def _inclusion(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"日志第 {facts['index']} 条 · Entry {facts['index']} of the log: {facts['entry_kind']}"
    yield f"  记录于 · recorded {facts['recorded_at']}"
    for name, value in facts["body"].items():
        shown = _text(value)
        yield f"  {name}: {shown if len(shown) <= 100 else shown[:99] + '…'}"


def _serial(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"序列号 · Serial  {facts['book']} {facts['serial']}"
    yield f"  恰为 {facts['grams']:,} 克已核定的减排量 · is exactly {facts['grams']:,} gCO2e of certified reductions"
    if facts.get("demo"):
        yield "  ! 演示用，不具效力 · a demonstration, without effect"
    for name, label in (
        ("owner", "签发时持有 · issued to"),
        ("project", "项目 · project"),
        ("methodology", "方法学 · methodology"),
        ("vintage_year", "产生年份 · vintage"),
        ("recorded_at", "签发记录于 · issuance recorded"),
    ):
        if facts.get(name) not in (None, ""):
            yield f"  {label}: {_text(facts[name])}"
    yield f"  本批第 {facts['tonne']} 吨 · tonne {facts['tonne']} of its batch"
    yield "由何构成 · What it is made of"
    for place, part in enumerate(facts["parts"]):
        opened = place + 1 < len(facts["parts"])
        yield f"  批次 · batch {part['batch']}，克 · grams [{part['low_g']:,}, {part['high_g']:,})"
        if part["acts"]:
            acts = "1 act" if part["acts"] == 1 else f"{part['acts']:,} acts"
            yield f"    {part['acts']:,} 个行为的 {part['acts_g']:,} 克 · {part['acts_g']:,} g of {acts}"
        if "from_day" in part:
            regions = "、".join(part["regions"])
            yield f"    日期与地区 · days and regions: {part['from_day']} … {part['to_day']}，{regions}"
        if part["carried_in_g"]:
            grams = f"{part['carried_in_g']:,}"
            zh, en = ("见下", "see below") if opened else ("本文件未展开", "not opened in this file")
            yield f"    前一批结转的 {grams} 克（{zh}） · {grams} g carried over from the batch before ({en})"


def _receipt(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "行为 · Act"
    for name, value in facts["act"].items():
        yield f"  {name}: {_text(value)}"
    act_g, counted_g = facts["act"]["grams"], facts["counted_g"]
    yield f"其 {act_g:,} 克中有 {counted_g:,} 克在内 · {counted_g:,} of its {act_g:,} g are in"
    for step in facts["steps"]:
        done_zh, done_en = {
            "batch.frozen": ("已冻结待核查", "frozen, to be verified"),
            "batch.verified": ("已核定", "verified"),
            "credit.issued": ("已签发", "issued"),
        }[step["entry_kind"]]
        yield f"  批次 · batch {step['batch']}：{done_zh} · {done_en}，克 · grams [{step['low_g']:,}, {step['high_g']:,})"
        if "first_serial" in step:
            numbers = _span(step["first_serial"], step["last_serial"])
            yield f"    属于序列号 · part of serial {step['book']} {numbers}"
        elif "first_tonne" in step:
            numbers = _span(step["first_tonne"], step["last_tonne"])
            yield f"    将属于本批第 {numbers} 吨 · to be part of tonne {numbers} of the batch"
        if step.get("carried_on_g"):
            grams = f"{step['carried_on_g']:,}"
            yield f"    {grams} 克结转下一批 · {grams} g carried on to the next batch"


def _printable(line: str) -> str:
    """A line without anything that would steer a terminal; documents come from anywhere."""
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
