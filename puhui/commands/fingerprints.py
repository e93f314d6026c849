"""`puhui fingerprints export|match`: double claims across platforms that may not share identities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backend.intake.fingerprints import Agreement, Exported, Matched
    from backend.kit.settings import Settings

AgreementFile = Annotated[
    Path, typer.Option("--agreement", "-a", help="交换协议（TOML）· what both platforms agreed on")
]
KeyFile = Annotated[
    Path, typer.Option("--key", "-k", help="交换密钥文件（base64）· file with the exchange's key")
]
Numbers = Annotated[
    Path | None,
    typer.Option(help="subject = number：号码清单 CSV · list of cards and accounts: kind, operator, number"),
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="与其他平台交换指纹 · double claims across platforms")
    group.command()(export)
    group.command()(match)
    app.add_typer(group, name="fingerprints")


def export(
    file: Annotated[Path, typer.Argument(help="写入的文件，.parquet 或 NDJSON · the file to write")],
    *,
    agreement: AgreementFile,
    key: KeyFile,
    numbers: Numbers = None,
    as_json: AsJson = False,
) -> None:
    """Write the fingerprints of our acts of the agreed days for the other platform."""
    from backend.intake import fingerprints
    from puhui import console, runtime

    agreed, secret = fingerprints.read_agreement(agreement), fingerprints.read_key(key)

    async def work(settings: Settings) -> Exported:
        async with runtime.database(settings) as db:
            return await fingerprints.export(
                db, settings, agreement=agreed, key=secret, path=file, numbers=numbers
            )

    with runtime.platform() as settings:
        done = runtime.run(work(settings))
    if as_json:
        console.print_json(
            {
                "exchange": agreed.exchange,
                "for": agreed.other,
                "acts": done.acts,
                "unnamed": done.unnamed,
                "fingerprints": done.fingerprints,
                "sha256": done.sha256,
            }
        )
        return
    console.out.print(
        f"✓ {done.fingerprints} 个指纹，来自 {done.acts} 项行为；{done.unnamed} 项无号码，未写入",
        markup=False,
    )
    console.out.print(
        f"  {done.fingerprints} fingerprints of {done.acts} acts; {done.unnamed} without a number left out",
        markup=False,
    )
    console.out.print(f"  sha256 {done.sha256}", markup=False, soft_wrap=True)


def match(
    file: Annotated[Path, typer.Argument(help="对方的指纹文件 · the other platform's file")],
    *,
    agreement: AgreementFile,
    key: KeyFile,
    numbers: Numbers = None,
    as_json: AsJson = False,
) -> None:
    """Find our acts that the other platform claims too. They wait for somebody to decide; nothing is withdrawn."""
    from backend.intake import fingerprints
    from puhui import console, runtime

    agreed, secret = fingerprints.read_agreement(agreement), fingerprints.read_key(key)

    async def work(settings: Settings) -> Matched:
        async with runtime.database(settings) as db:
            return await fingerprints.match(
                db, settings, agreement=agreed, key=secret, path=file, numbers=numbers
            )

    with runtime.platform() as settings:
        done = runtime.run(work(settings))
    if as_json:
        console.print_json(as_dict(agreed, done))
        return
    rates = done.rates
    for line in (
        f"{agreed.exchange}: {agreed.own} ↔ {agreed.other}",
        f"{'本方行为 · our acts':<24}{rates.acts:>12}",
        f"{'对方指纹 · theirs':<25}{rates.theirs:>12}",
        f"{'匹配 · matched':<26}{rates.matched:>12}",
        f"{'  仅邻桶 · beside only':<25}{done.beside:>12}",
        f"{'  新记录 · new':<25}{done.noted:>12}",
        f"{'偶然 · by chance':<26}{rates.by_chance:>12.3g}",
        f"{'偶然占比 · false share':<24}{rates.false_share:>12.2%}",
    ):
        console.out.print(line, markup=False)
    console.out.print("匹配的行为等待人工决定，未撤销任何行为。", markup=False)
    console.out.print("Matched acts wait for somebody to decide; none is withdrawn.", markup=False)


def as_dict(agreed: Agreement, done: Matched) -> dict[str, object]:
    """A comparison as JSON tells it."""
    rates = done.rates
    buckets = ((agreed.until - agreed.since).days + 1) * 86_400 // agreed.bucket_s
    return {
        "match_id": str(done.match_id),
        "exchange": agreed.exchange,
        "platform": agreed.other,
        "bits": rates.bits,
        "acts": rates.acts,
        "unnamed": done.unnamed,
        "probes": rates.probes,
        "theirs": rates.theirs,
        "matched": rates.matched,
        "beside_only": done.beside,
        "noted": done.noted,
        "false_rate": rates.false_rate,
        "by_chance": rates.by_chance,
        "false_share": rates.false_share,
        "cover_per_person": rates.cover(buckets, len(agreed.modes)),
    }
