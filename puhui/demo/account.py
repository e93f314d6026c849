"""The readable account of the demo: what happened at each tier, with numbers that add up or say that they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from backend import packs
from backend.kit.settings import Settings
from puhui.audit import Report
from puhui.demo import account_credits
from puhui.demo.printing import Printer
from puhui.demo.stage import Happened, Intake, View

_KINDS = {
    "citizen": ("市民", "citizens"),
    "household": ("家庭", "households"),
    "firm": ("小企业", "small firms"),
}
_STANDING = {
    "filed": ("已备案", "filed by two people"),
    "demo": ("演示许可", "demo override"),
    "not_filed": ("未备案", "not filed"),
}
_WHY = {
    "right_not_assigned": ("权益未委托", "right not assigned"),
    "right_revoked": ("权益已收回", "right taken back"),
    "unlinked": ("介质无人关联", "no holder yet"),
    "method_not_filed": ("方法学未备案", "methodology not filed"),
    "evidence": ("证据等级不足", "evidence too weak"),
    "covered_boundary": ("碳市场已覆盖", "inside a covered boundary"),
}
_ACTIVITIES = {"cycling": ("骑行", "cycling"), "metro": ("地铁", "metro"), "bus": ("公交", "bus")}
_CONFIDENCE = {"high": "高", "medium": "中", "low": "低"}
_PARTS = (
    ("接受", "accepted"),
    ("重复", "duplicates"),
    ("冲突", "conflicts"),
    ("拒绝", "rejected"),
    ("略过", "filtered"),
)


class Account(Printer):
    """Prints the account and remembers whether every sum held."""

    def __init__(self, console: Console, told: Happened) -> None:
        super().__init__(console)
        self.told = told

    def tell(self) -> None:
        """Everything but the audit."""
        self._opening()
        self._who()
        self._methods()
        self._files()
        self._grams()
        self._points()
        self.title("6", "商户", "three shops take points, over /merchant/v1")
        account_credits.tell_shops(self, self.told)
        self._citizens()
        self._explained()
        self.title("9", "核证与签发", "verified by a third party, issued in whole tonnes")
        account_credits.tell_batches(self, self.told)
        self.title("10", "履约市场", "the bridge, agreed sales, surrender by Guangdong's rules")
        account_credits.tell_compliance(self, self.told)
        self.title("11", "追溯", "one tonne followed back to its rides")
        account_credits.tell_following(self, self.told)
        self._log()

    def audit(self, report: Report) -> None:
        """The audit's answer, invariant by invariant."""
        self.title("13", "审计", "the audit, recomputed from the rows")
        table = self.table()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(justify="right", no_wrap=True)
        for result in report.results:
            ok = not result.checked.found
            said = self.words(result.invariant.zh, result.invariant.en if self.wide else "", below=True)
            table.add_row(self.mark(ok), said, f"{result.checked.rows:,}")
            for violation in result.checked.violations:
                table.add_row("", Text(str(violation), style="red"), "")
        self.show(table)
        checked = sum(result.checked.rows for result in report.results)
        self.say(
            f"{len(report.results)} 项，核对 {checked:,} 行，{report.found} 处违反",
            f"{len(report.results)} invariants, {checked:,} rows looked at, {report.found} violations",
            mark=report.passed,
        )
        self.adds_up &= report.passed

    def closing(self, settings: Settings, seconds: float) -> None:
        """How to look at it."""
        self.title("14", "自己看看", "look for yourself")
        prefix = f"PUHUI_EMBEDDED_DATABASE={settings.embedded_database} .venv/bin/puhui"
        for command in ("up", "psql", "audit"):
            self.line(f"{prefix} {command}")
        folder = settings.data_dir / "demo"
        self.show(self.words("合作方文件与未接受的行", "the partners' files and the rows refused"))
        self.line(str(folder))
        if self.told.logins is not None:
            self.show(
                self.words(
                    "登录：工作人员的口令与 TOTP，三位市民的手机号（验证码写在 up 的日志里）",
                    "to sign in: staff with password and TOTP, citizens by phone; their codes are in the log of up",
                    below=True,
                )
            )
            self.line(str(self.told.logins))
        done = self.adds_up
        words = ("演示完成，账目相符，审计通过", "the sums add up and the audit passed")
        if not done:
            words = ("演示未通过：上方标 ✗ 处不符", "the demo failed where a ✗ stands above")
        self.console.print()
        self.say(f"{words[0]}（{seconds:.0f} 秒）", f"{words[1]} ({seconds:.0f} s)", mark=done)

    # --- the tiers ------------------------------------------------------------------------------------------------

    def _opening(self) -> None:
        self.console.print()
        title = ("演示市，2026 年 10 月", "bold")
        self.show(Text.assemble(title, ("  the demo city, October 2026", "dim")), indent=0)
        self.say(
            "城市、机构与市民均为虚构；行程按固定种子生成，每次相同",
            "city, organisations and citizens are fictional; the trips come from a fixed seed, the same every time",
            indent=0,
        )

    def _who(self) -> None:
        self.title("1", "谁参与", "who takes part")
        told = self.told
        people = [(zh, en, told.counts[kind]) for kind, (zh, en) in _KINDS.items()]
        self.sum(people, ("参与者", "participants"), sum(told.counts.values()))
        phones = len(told.views)
        self.say(
            f"其中 {phones} 位市民用手机验证码加入，其余市民凭纸质登记批量录入；家庭与企业由运营方登记",
            f"{phones} citizens joined by phone, the others are entered in bulk from paper; the operator entered "
            "households and firms",
        )
        self.say(
            f"{told.linked:,} 个卡号与账户有人关联；{told.assigned:,} 位参与者委托了减排量权益",
            f"{told.linked:,} cards and accounts have a holder; {told.assigned:,} participants assigned the right to claim",
        )

    def _methods(self) -> None:
        self.title("2", "方法学", "methodologies: filed by two people, or not")
        table = self.table()
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        for method in self.told.methods:
            zh, en = _STANDING[method.standing]
            name = self.words(method.zh, method.id, below=True)
            table.add_row(name, self.words(zh, en if self.wide else ""))
        self.show(table)
        refused = sorted({method.refusal for method in self.told.methods if method.refusal})
        self.say(
            f"为本地区备案外地方法学，平台拒绝（{'、'.join(refused)}）；演示许可的克数只进演示池",
            f"Filing a methodology of elsewhere here was refused ({', '.join(refused)}); grams under a demo override "
            "reach demo pools only",
        )
        overlays = sorted({name for act in self._explanations() for name in act["explanation"]["overlays"]})
        for name in overlays:
            pack = packs.load_all().find(name).data["pack"]
            self.say(f"叠加包{name}：{pack['reason_zh']}", f"overlay {name}: {pack['reason_en']}")

    def _files(self) -> None:
        self.title("3", "合作方文件", "partners' files, every row accounted for")
        intakes = self.told.intakes
        table = self.table()
        table.show_header = True
        table.add_column()
        for zh, en in [*((one.delivery.zh, one.delivery.en) for one in intakes), ("合计", "total")]:
            head = self.words(zh, en, below=True) if self.wide else Text(f"{zh[:2]}\n{zh[2:]}".strip())
            table.add_column(head, justify="right", vertical="bottom")
        columns = [[getattr(one.summary, name) for _, name in _PARTS] for one in intakes]
        columns.append([sum(numbers) for numbers in zip(*columns, strict=True)])
        for place, (zh, en) in enumerate(_PARTS):
            label = self.words(zh, en if self.wide else "")
            table.add_row(label, *(f"{column[place]:,}" for column in columns))
        received = [one.summary.received for one in intakes]
        received.append(sum(received))
        held = [sum(column) == rows for column, rows in zip(columns, received, strict=True)]
        self.adds_up &= all(held)
        label = Text.assemble(("收到", "bold"), (" received" if self.wide else "", "dim"))
        cells = [f"{rows:,}{'' if sound else ' ✗'}" for rows, sound in zip(received, held, strict=True)]
        table.add_row(label, *(Text(cell, style="bold") for cell in cells), self.mark(all(held)))
        self.show(table)
        waiting = sum(one.summary.waiting for one in intakes)
        self.say(
            f"其中 {waiting:,} 条行为等待有人关联其卡或账户",
            f"{waiting:,} accepted acts wait for a holder of their card or account",
        )
        planted = all(one.as_planted for one in intakes)
        self.adds_up &= planted
        self.say(
            "文件中故意混入的重复、冲突与坏行，逐一找到，无一多余",
            "the duplicates, conflicts and bad rows planted in the files were all found, and no others",
            mark=planted,
        )
        self._bad_rows(intakes)

    def _bad_rows(self, intakes: Sequence[Intake]) -> None:
        listed = [one.rejected_file.name for one in intakes if one.rejected_file is not None]
        self.say(
            f"每一行的行号、字段与原因：{listed[0]} 等 {len(listed)} 个文件",
            "line, field and reason of each are in those files",
        )

    def _grams(self) -> None:
        self.title("4", "减排量（克 CO2e）", "reductions in gCO2e")
        figures = self.told.figures
        rows: list[tuple[str, str, int]] = []
        for pool in figures["pools"]:
            kind = ("演示池", "demo pool") if pool["demo"] else ("池", "pool")
            rows.append((f"{kind[0]} {pool['methodology']} {pool['month']}", kind[1], pool["reduction_g"]))
        for number, one in enumerate(self.told.certified, start=1):
            name = f"批次 {number} {one.batch['methodology']} {one.batch['first_month']}"
            rows.append((name, "batch", one.batch["frozen_g"]))
        for reason, grams in figures["uncredited_g"].items():
            zh, en = _WHY.get(reason, (reason, reason))
            rows.append((f"不入池：{zh}", en, grams))
        self.sum(rows, ("计量总量", "measured"), self.told.measured_g)
        brought = sum(one.summary.grams for one in self.told.intakes)
        self.say(
            f"各文件带来 {brought:,} 克，与账本计量总量相同",
            f"the files brought {brought:,} g, the same as the ledger measured",
            mark=brought == self.told.measured_g,
        )
        self.adds_up &= brought == self.told.measured_g

    def _points(self) -> None:
        self.title("5", "积分", "points: issued = where they are now")
        points = self.told.figures["points"]
        rows = [
            ("可用", "spendable", points["spendable"]),
            ("冻结", "held", points["held"]),
            ("应付商户", "payable", points["payable"]),
            ("已兑付", "redeemed", points["redeemed"]),
            ("已过期", "expired", points["expired"]),
            ("已追回", "reversed", points["reversed"]),
            ("减：欠回", "less: owed", -points["owed"]),
        ]
        self.sum(rows, ("发放", "issued"), points["issued"])
        posted = sum(one.summary.points for one in self.told.intakes)
        late = self._claimed()
        held = posted + late == points["issued"]
        self.say(
            f"接入时发放 {posted:,} ＋ 补领 {late:,} ＝ {posted + late:,}",
            f"posted at intake {posted:,} + claimed late {late:,}",
            mark=held,
        )
        self.adds_up &= held

    def _claimed(self) -> int:
        return sum(
            view.month["points_earned"] - view.before_linking["points_earned"]
            for view in self.told.views
            if view.before_linking is not None
        )

    def _citizens(self) -> None:
        self.title("7", "三位市民看到的", "what three citizens see, over /mobile/v1")
        for view in self.told.views:
            self._citizen(view)

    def _citizen(self, view: View) -> None:
        masked = f"{str(view.participant)[:4]}…{str(view.participant)[-4:]}"
        phone = f"…{view.me['phone_masked'][-4:]}"
        self.show(Text(f"市民{view.name} {masked}  手机 {phone}", style="bold"))
        lots = "、".join(f"{lot['points']:,} 分至 {lot['expires_on']}" for lot in view.wallet["lots"])
        month = view.month
        self.say(
            f"{month['acts']} 条行为，{month['reduction_g']:,} 克，{month['points_earned']:,} 分；可用 {lots}",
            f"{month['acts']} acts, {month['reduction_g']:,} g, {month['points_earned']:,} points",
        )
        pooled = sum(act["reduction_g"] for act in view.acts if act["status"] == "pooled")
        reasons = sorted({act["uncredited_because"] for act in view.acts if act["uncredited_because"]})
        why = "、".join(_WHY[reason][0] for reason in reasons)
        self.say(
            f"入池 {pooled:,} 克" + (f"；其余：{why}" if why else ""),
            f"{pooled:,} g in pools"
            + (f"; the rest: {', '.join(_WHY[r][1] for r in reasons)}" if why else ""),
        )
        if view.before_linking is not None:
            self.say(
                f"月末才绑定地铁卡：此前 {view.before_linking['acts']} 条行为，绑定后补得 {self._claimed():,} 分",
                f"linked the card at the month's end: {view.before_linking['acts']} acts before, "
                f"{self._claimed():,} points claimed by linking",
            )

    def _explained(self) -> None:
        self.title("8", "一次骑行怎么算", "one act explained, as its citizen may ask")
        for shown in self._explanations():
            self._explain(shown)

    def _explanations(self) -> list[dict[str, Any]]:
        return [one for one in (self.told.explained, self.told.overlaid) if one]

    def _explain(self, shown: dict[str, Any]) -> None:
        act, how = shown["act"], shown["explanation"]
        zh, en = _ACTIVITIES[act["activity"]]
        self.show(self.words(f"{zh} {act['happened_at'][:10]}  {how['title']}", en))
        given = "，".join(f"{name} = {value}" for name, value in how["inputs"].items())
        self.show(Text(how["formula"] + (f"    {given}" if given else "")), indent=4)
        for factor in how["factors"]:
            confidence = _CONFIDENCE.get(factor["confidence"], factor["confidence"])
            self.show(
                Text(f"{factor['id']} = {factor['value']} {factor['unit']}  {factor['name']}"), indent=4
            )
            self.say(
                f"来源 {factor['source_title']}；可信度{confidence}",
                f"confidence {factor['confidence']}",
                indent=4,
            )
            self.line(factor["source_url"])
        notes = "" if how["official"] else "；非官方数值"
        notes += f"；叠加包 {'、'.join(how['overlays'])}" if how["overlays"] else ""
        result = Text.assemble((f"= {how['reduction_g']:,} gCO2e", "bold"), f"，{act['points']} 分{notes}")
        self.show(result, indent=4)

    def _log(self) -> None:
        head = self.told.head
        self.title("12", "日志", "the append-only log")
        if head is None:
            self.say("没有新条目", "nothing was added", mark=False)
            self.adds_up = False
            return
        self.say(
            f"{self.told.blocks} 个封存块，{head.size} 条日志，已签名",
            f"{self.told.blocks} sealed blocks, {head.size} entries, head signed",
        )
        self.show(Text(f"root {head.root.hex()[:32]}…", style="dim"))
