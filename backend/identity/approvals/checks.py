"""What must hold of acts that take two people, whatever they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.approvals import queries
from backend.identity.approvals.service import act_of, sha256_of
from backend.identity.approvals.tables import ActKind, TwoPersonAct
from backend.kit.checks import Checked, Rule, count_rows, look_for

_DECISIONS = (
    Rule(
        "two_person_decision",
        """
            SELECT d.act_id AS place, CASE
                WHEN a.id IS NULL THEN 'act'
                WHEN d.decided_by = a.proposed_by THEN 'one'
                WHEN d.decided_at >= a.expires_at OR d.decided_at < a.proposed_at THEN 'late'
                ELSE 'staff' END AS fault
            FROM two_person_decision d LEFT JOIN two_person_act a ON a.id = d.act_id
            WHERE a.id IS NULL OR d.decided_by = a.proposed_by OR d.decided_at >= a.expires_at
                OR d.decided_at < a.proposed_at OR d.proposed_by <> a.proposed_by OR d.expires_at <> a.expires_at
                OR NOT EXISTS (SELECT FROM staff s WHERE s.id = d.decided_by)
                OR NOT EXISTS (SELECT FROM staff s WHERE s.id = a.proposed_by)
        """,
        {
            "act": ("there is no act that it decides", "没有所决定的事项"),
            "one": ("one person proposed and decided", "提出与决定为同一人"),
            "late": ("it was decided outside its time", "不在有效时间内决定"),
            "staff": ("it does not name the people of its act", "人员与事项不符"),
        },
    ),
)
_SHOWN = ("the fingerprint is not that of what was shown", "指纹与所示内容不符")
_KIND = ("no such kind of act is known", "未知的事项种类")


async def acts(session: AsyncSession, *, kinds: Sequence[ActKind]) -> Checked:
    """Two different people decided each act in its time, and both were shown the body that is stored.

    `kinds` are all that there are; each takes the fingerprint of its body.
    """
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM two_person_act"))
    known = {kind.name for kind in kinds}
    async for act in every_act(session):
        if act.kind not in known:
            checked.name("two_person_act", act.id, _KIND)
        if sha256_of(act.body) != act.subject_sha256:
            checked.name("two_person_act", act.id, _SHOWN)
    return await look_for(session, checked, _DECISIONS)


async def every_act(session: AsyncSession, *, kind: ActKind | None = None) -> AsyncIterator[TwoPersonAct]:
    """Every act ever proposed, of one kind or of all, with its decision; streamed, in no order."""
    async for row in queries.every(session):
        if kind is None or row["kind"] == kind.name:
            yield act_of(row)
