"""November: what the pools hold is frozen, reported, verified and issued, each by whoever may, over HTTP.

The shared bikes' rides are the first batch. The docked bikes' file comes late: its acts, and what the first batch carried
over, are the second. The metro rests on a demo override, so its credits are a demonstration's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend.identity import Role
from backend.kit import clock
from puhui.demo.month_end import take_in
from puhui.demo.stage import ENDS, LATE_FILE, OPERATOR, PROGRAMME, Certified, Stage, Step

VERIFIER = "demo-verifier"
BIKES, METRO = "cn-shared-bike-km", "gz-metro-trip"
BATCHES = "/operator/v1/certification/batches"
_SPLIT = "演示市碳普惠收益分配公示（虚构） benefit split of the demo city, published (fictional)"
_DRAWS = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """One batch that is to be: when it is closed, and what its verifier makes of it."""

    methodology: str
    demo: bool
    closed: timedelta  # after the month's end
    overstated: bool  # one drawn act keeps half of its grams, another none


async def crediting(stage: Stage, step: Step) -> None:
    """Three batches from the pools to issued credits."""
    step("第一批：冻结、报告、核查、签发", "the first batch: frozen, reported, verified, issued")
    await _certify(stage, Plan(BIKES, demo=False, closed=timedelta(days=1), overstated=True))
    step("迟到的文件与第二批", "a late file and the second batch")
    with clock.travel(LATE_FILE):
        for delivery in stage.late:
            await take_in(stage, delivery)
    await _certify(
        stage, Plan(BIKES, demo=False, closed=LATE_FILE - ENDS + timedelta(hours=2), overstated=False)
    )
    step("演示许可的一批", "a batch under a demo override")
    await _certify(
        stage, Plan(METRO, demo=True, closed=LATE_FILE - ENDS + timedelta(days=2), overstated=False)
    )


async def _certify(stage: Stage, plan: Plan) -> None:
    at = ENDS + plan.closed
    with clock.travel(at):
        for login in ("operator-1", "operator-2", "authority-1", "authority-2"):
            await stage.sign_in(login)
        if "verifier-1" in stage.staff:
            await stage.sign_in("verifier-1")
        else:
            await _admit_verifier(stage)
        batch = await _freeze(stage, plan)
    path = f"{BATCHES}/{batch['id']}"
    with clock.travel(at + timedelta(minutes=2)):
        report = await stage.callers["operator-1"].ask("GET", f"{path}/report")
        await stage.agree(
            ("operator-1", "operator-2"),
            f"{path}/report/proposals",
            path + "/report/proposals/{act}/approval",
        )
        await stage.callers["authority-1"].ask("POST", f"{path}/assignments", {"verification_body": VERIFIER})
    with clock.travel(at + timedelta(minutes=4)):
        sample, evidence, findings, statement = await _verify(stage, batch, plan)
    with clock.travel(at + timedelta(minutes=6)):
        issuance, refused = await _issue(stage, path)
    stage.told.certified.append(
        Certified(batch, report, sample, evidence, findings, statement, issuance, refused)
    )


async def _admit_verifier(stage: Stage) -> None:
    by = ("authority-1", "authority-2")
    names = ("演示核查机构（虚构）", "Verification body of the demo city (fictional)")
    await stage.admit_organisation(by, VERIFIER, names, Role.VERIFICATION_BODY)
    await stage.admit_staff(by, VERIFIER, "verifier-1", Role.VERIFICATION_BODY)


async def _freeze(stage: Stage, plan: Plan) -> dict[str, Any]:
    asked = {
        "project": PROGRAMME,
        "methodology": plan.methodology,
        "first_month": "2026-10",
        "last_month": "2026-10",
        "demo": plan.demo,
        "benefit_split": _SPLIT,
        "benefit_split_published_on": "2026-10-12",
    }
    batch: dict[str, Any] = await stage.callers["operator-1"].ask("POST", BATCHES, asked)
    assert batch["operator"] == OPERATOR
    return batch


async def _verify(
    stage: Stage, batch: dict[str, Any], plan: Plan
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Draw acts, look at each one's record, find, and state; the deduction is what the sample says of the rest."""
    verifier, path = stage.callers["verifier-1"], f"/verifier/v1/batches/{batch['id']}"
    sample = await verifier.ask("POST", f"{path}/samples", {"draws": _DRAWS})
    drawn = list(dict.fromkeys(draw["position"] for draw in sample["draws"]))
    seen = [await verifier.ask("GET", f"{path}/acts/{position}") for position in drawn]
    findings = []
    if plan.overstated:
        for act, keeps, reason, remark in (
            (seen[0], seen[0]["frozen_g"] // 2, "overstated", "抽查：里程记录偏大 distance overstated"),
            (seen[1], 0, "no_record", "抽查：运营方无原始记录 the operator has no record of it"),
        ):
            asked = {"position": act["position"], "keeps_g": keeps, "reason": reason, "remark": remark}
            findings.append(await verifier.ask("POST", f"{path}/findings", asked))
    said = await verifier.ask("GET", f"{path}/projection")
    deduction = min(said["projected_g"], _AT_MOST_G)
    statement = await verifier.ask(
        "POST",
        f"{path}/statements",
        {
            "deduction_g": deduction,
            "deduction_basis": f"按抽样推算 {said['projected_g']} 克，演示中以 {_AT_MOST_G} 克为限 "
            f"projected from the sample, limited for the demonstration",
            "assurance": "reasonable",
            "materiality_percent": "5",
        },
    )
    return sample, seen[0], findings, statement


_AT_MOST_G = (
    150_000  # a handful of draws says little: without this limit two findings would cost a sixth of the batch
)


async def _issue(stage: Stage, path: str) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Two people of the authority; nobody else, and neither of them twice."""
    proposal = await stage.callers["authority-1"].ask("POST", f"{path}/issuance/proposals")
    shown = {"subject_sha256": proposal["subject_sha256"]}
    approval = f"{path}/issuance/proposals/{proposal['id']}/approval"
    refused = []
    for login, zh, en in (
        ("operator-2", "运营方人员批准签发", "the operator's staff approve the issuance"),
        ("verifier-1", "核查人员批准签发", "the verifier approves the issuance"),
        ("authority-1", "提出签发的人自己批准", "whoever proposed approves"),
    ):
        answer = await stage.callers[login].ask("POST", approval, shown, expect=403)
        refused.append((zh, en, answer["code"]))
    issuance: dict[str, Any] = await stage.callers["authority-2"].ask("POST", approval, shown)
    return issuance, refused
