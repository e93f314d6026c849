"""The account's second half: shops, batches and credits, the compliance market, one tonne followed back."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from puhui.demo.complying import CEMENT, CREDITS, ENTERPRISES, STEEL
from puhui.demo.printing import Printer
from puhui.demo.shops import SHOPS
from puhui.demo.stage import COMPLIANCE_YEAR, OPERATOR, Certified, Happened

_HOW = {
    "captured": ("已扣款", "captured; scanned again: the same receipt"),
    "foreign": ("他店扫码：查无此码", "another shop scans it: unknown"),
    "refunded": ("退货，积分回到原批次", "goods came back, points to the exact lots"),
    "sold_out": ("已售罄，未扣积分", "sold out, no points taken"),
    "lapsed": ("码过期，积分退回", "the code lapsed, points given back"),
}
_NAMES = {**ENTERPRISES, OPERATOR: ("运营方", "the operator")}
_EVENTS = {
    "credit.issued": ("签发", "issued"),
    "bridge.locked": ("过桥锁定", "locked for the bridge"),
    "bridge.deposited": ("存入履约登记簿", "deposited in the compliance registry"),
    "bridge.confirmed": ("过桥确认", "crossing confirmed"),
    "sale.offered": ("挂出", "offered"),
    "sale.settled": ("协议转让", "sold, units against money"),
    "unit.pledged": ("质押清缴", "pledged"),
    "unit.surrendered": ("清缴", "surrendered"),
}


def tell_shops(printer: Printer, told: Happened) -> None:
    """What was redeemed, and what each shop is owed."""
    table = printer.table()
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for one in told.redeemed:
        zh, en = _HOW[one.how]
        code = f"（{one.answer}）" if one.answer else ""
        shop = SHOPS[one.shop][0].removesuffix("（虚构）")
        table.add_row(
            f"{one.citizen} {shop} {one.title}", f"{one.points}", printer.words(zh + code, en, below=True)
        )
    printer.show(table)
    rows = [(SHOPS[code][0].removesuffix("（虚构）"), "", points) for code, points in told.payable.items()]
    points = told.figures["points"]
    printer.sum(rows, ("应付与已付商户", "owed and paid to shops"), points["payable"] + points["redeemed"])
    for statement in told.settled:
        name = SHOPS[statement.shop][0].removesuffix("（虚构）")
        sound = statement.lines == statement.led and statement.points == told.payable.get(statement.shop, 0)
        printer.say(
            f"{name}结算单：{statement.lines} 行均可追到兑换，{statement.points} 分，{statement.fen / 100:.2f} 元",
            f"statement of {statement.lines} lines, each leads to its redemption",
            mark=printer.keep(sound),
        )
    if told.settled:
        printer.line(str(told.settled[0].pdf.parent))
    printer.say(
        "退货前后，付款的各积分批次与到期日完全相同",
        "before and after the refund the lots and their dates are the same",
        mark=printer.keep(told.refund_exact),
    )


def tell_batches(printer: Printer, told: Happened) -> None:
    """Each batch from its frozen grams to whole tonnes, with what it carried in and out."""
    carried: dict[tuple[str, bool], int] = {}
    for number, one in enumerate(told.certified, start=1):
        _batch(printer, one, number)
        series = (one.batch["methodology"], one.batch["demo"])
        held = printer.keep(one.batch["carry_in_g"] == carried.get(series, 0))
        if one.batch["carry_in_g"]:
            printer.say(
                f"结转 {one.batch['carry_in_g']:,} 克接自上一批，是本批第一片叶子",
                "what the last batch carried over is the first leaf of this one",
                mark=held,
            )
        elif not held:
            printer.say("应有上批结转", "something should have been carried over", mark=False)
        carried[series] = one.issuance["carry_out_g"]
    for zh, en, code in told.certified[0].refused:
        printer.say(f"拒绝：{zh}（{code}）", f"refused: {en}", mark=True)


def _batch(printer: Printer, one: Certified, number: int) -> None:
    batch, statement, issued = one.batch, one.statement, one.issuance
    demo = "，演示" if batch["demo"] else ""
    title = f"批次 {number}：{batch['methodology']} {batch['first_month']}{demo}，{batch['acts']:,} 次行为"
    printer.show(Text(title, style="bold"))
    tonnes = issued["quantity_t"]
    printer.sum(
        [
            ("上批结转", "carried in", batch["carry_in_g"]),
            ("冻结", "frozen", batch["frozen_g"]),
            ("核查剔除", "rejected", -statement["rejected_g"]),
            ("推算扣减", "deducted", -statement["deducted_g"]),
            ("结转下批", "carried out", -issued["carry_out_g"]),
        ],
        (f"签发 {tonnes} 吨", f"issued, {tonnes} t"),
        tonnes * 1_000_000,
    )
    drawn = len(one.sample["draws"])
    printer.say(
        f"核查机构按克数加权抽 {drawn} 次，种子由冻结树根得出；发现 {len(one.findings)} 处",
        f"the verifier drew {drawn} times by weight of grams from a seed that follows from the frozen root; "
        f"{len(one.findings)} findings",
    )
    if issued["first_printed"]:
        printer.line(issued["first_printed"])
        if issued["last_printed"] != issued["first_printed"]:
            printer.line(f"… {issued['last_printed']}")


def tell_compliance(printer: Printer, told: Happened) -> None:
    """The bridge, the sales, and each enterprise's year."""
    market = told.compliance
    crossed = market.bridge["quantity_t"]
    steps = " → ".join(_EVENTS[f"bridge.{step['step']}"][0] for step in market.bridge["steps"])
    printer.say(f"{crossed} 吨过桥：{steps}", f"{crossed} t crossed the bridge: locked, deposited, confirmed")
    printer.say(
        f"演示编号的减排量被正式登记簿拒绝（{market.demo_refusal}）",
        "credits with demo serials are refused by a live registry",
        mark=True,
    )
    sold = sum(sale["quantity_t"] for sale in market.sales)
    for sale in market.sales:
        zh, en = _NAMES[sale["buyer"]]
        printer.say(
            f"{zh.removesuffix('（虚构）')}买入 {sale['quantity_t']} 吨，"
            f"付 {sale['price_fen'] / 100:,.2f} 元，货款两讫",
            f"{en} bought {sale['quantity_t']} t, units against money in one posting",
        )
    cash = [(_NAMES[owner][0].removesuffix("（虚构）"), "", fen) for owner, fen in market.cash.items()]
    printer.sum(cash, ("入金合计（分）", "deposited, fen"), market.deposited)
    for code in (STEEL, CEMENT):
        _year(printer, told, code)
    live = [one for one in told.followed.figures["items"] if one["unit"] == "PHCER" and not one["demo"]]
    stands = [(zh, en, sum(one["standing"][f"{key}_t"] for one in live)) for key, zh, en in _STANDING]
    issued = sum(one.issuance["quantity_t"] for one in told.certified if not one.batch["demo"])
    printer.sum([row for row in stands if row[2]], ("PHCER 签发（吨）", "PHCER issued, t"), issued)
    surrendered = sum(line["pledged_t"] for line in _lines(told, CREDITS))
    printer.say(
        f"售出的 {sold} 吨普惠减排量全部用于清缴",
        f"all {sold} t of inclusion credits that were sold are surrendered",
        mark=printer.keep(sold == surrendered),
    )


_STANDING = (
    ("held", "源登记簿持有", "held where they were issued"),
    ("locked", "过桥途中", "on the bridge"),
    ("bridged", "履约登记簿持有", "held in the compliance registry"),
    ("pledged", "质押", "pledged"),
    ("surrendered", "已清缴", "surrendered"),
    ("cancelled", "已注销", "cancelled"),
)


def _lines(told: Happened, book: str) -> list[dict[str, Any]]:
    return [line for one in told.compliance.pledges.values() for line in one["lines"] if line["book"] == book]


def _year(printer: Printer, told: Happened, code: str) -> None:
    """One enterprise's obligation, what it surrendered, and why other tonnes were not taken."""
    zh, en = ENTERPRISES[code]
    done = next(one for one in told.compliance.surrenders if one["organisation"] == code)
    pledge = told.compliance.pledges[code]
    name = f"{zh} {COMPLIANCE_YEAR} 年度，规则版本 {pledge['edition']}，抵消上限 {done['cap_t']:,} 吨"
    printer.show(printer.words(name, en if printer.wide else ""))
    by_unit: dict[str, int] = {}
    for line in pledge["lines"]:
        by_unit[line["unit"]] = by_unit.get(line["unit"], 0) + line["pledged_t"]
    rows = [(f"清缴 {unit}", "surrendered", tonnes) for unit, tonnes in by_unit.items() if tonnes]
    if done["shortfall_t"]:
        rows.append(("缺口", "short of", done["shortfall_t"]))
    printer.sum(rows, ("应清缴（吨）", "obligation, t"), done["obligation_t"])
    printer.say(
        f"其中抵消 {done['offset_t']:,} 吨，配额 {done['allowance_t']:,} 吨",
        f"{done['offset_t']:,} t of credits, {done['allowance_t']:,} t of allowances",
        mark=printer.keep(done["offset_t"] + done["allowance_t"] == sum(by_unit.values())),
    )
    for line in pledge["lines"]:
        if line["refused_t"]:
            why = "；".join(reason["message_zh"] for reason in line["reasons"])
            printer.say(
                f"拒绝 {line['unit']} {line['first']}–{line['last']} 中 {line['refused_t']:,} 吨：{why}",
                "refused: " + "; ".join(reason["message_en"] for reason in line["reasons"]),
            )


def tell_following(printer: Printer, told: Happened) -> None:
    """From a ride to the surrendered tonne, and from the tonne back to its rides."""
    found = told.followed
    step = found.traced["steps"][0]
    printer.say(
        f"市民甲凭一次骑行的收据（{found.act['reduction_g']:,} 克，{found.act['happened_at'][:10]}）问它去了哪里："
        f"在批次树的第 {step['low_g']:,} 至 {step['high_g']:,} 克，属于",
        "with the receipt of one ride its rider asks where its grams went: they are part of",
    )
    story = found.story
    printer.line(story["credit"] or story["serial"])
    printer.say("任何人无须登录即可查这一吨：", "anybody may ask about this tonne, without a login:")
    table = printer.table()
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for event in story["events"]:
        zh, en = _EVENTS.get(event["kind"], (event["kind"], ""))
        table.add_row(f"#{event['entry_index']}", zh, Text(en, style="dim"))
    printer.show(table)
    tonne = story["tonne"]
    parts = tonne["parts"]
    acts = sum(part["acts"] or 0 for part in parts)
    printer.say(
        f"由 {len(parts)} 段行为组成，{_days(parts)}，所在各段共 {acts:,} 次行为；没有任何人的身份",
        f"made of {len(parts)} runs with {acts:,} acts in all; nobody's name or card",
    )
    grams = sum(part["grams"] for part in parts)
    printer.say(
        f"各段克数之和 {grams:,} ＝ 1 吨",
        "the grams of its parts are one tonne",
        mark=printer.keep(grams == 1_000_000),
    )
    printer.say(
        f"离线验证：这一吨的证明 {found.proof_bytes:,} 字节，骑行收据也成立",
        "checked offline: the tonne's proof and the ride's receipt both hold",
        mark=printer.keep(found.proven and found.receipt_proven),
    )
    for file in (found.proof, found.receipt):
        printer.line(f".venv/bin/puhui verify {file}")


def _days(parts: list[dict[str, Any]]) -> str:
    days = sorted(day for part in parts for day in (part["from_day"], part["to_day"]) if day)
    return f"{days[0]} 至 {days[-1]}" if days else "日期不公开"
