"""What must hold of partners' keys and quotas."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.approvals import Decision, TwoPersonAct
from backend.identity.approvals import checks as approvals
from backend.identity.partners import points, queries
from backend.identity.partners.service import KEY, begun, written_key
from backend.kit.checks import Checked, Rule, count_rows, look_for

_KEYS = (
    Rule(
        "partner_key",
        """
            SELECT k.id AS place, CASE
                WHEN NOT EXISTS (SELECT FROM organisation_role r
                                 WHERE r.organisation_id = k.organisation_id AND r.role = 'partner') THEN 'partner'
                WHEN k.replaces IS NOT NULL AND (before.id IS NULL OR before.sandbox <> k.sandbox
                     OR before.organisation_id <> k.organisation_id OR before.valid_from > k.valid_from) THEN 'chain'
                WHEN k.replaces IS NULL AND EXISTS (
                    SELECT FROM partner_key j WHERE j.organisation_id = k.organisation_id AND j.sandbox = k.sandbox
                        AND j.id <> k.id AND j.replaces IS NULL) THEN 'chain'
                ELSE 'many' END AS fault
            FROM partner_key k LEFT JOIN partner_key before ON before.id = k.replaces
            WHERE NOT EXISTS (SELECT FROM organisation_role r
                              WHERE r.organisation_id = k.organisation_id AND r.role = 'partner')
                OR (k.replaces IS NOT NULL AND (before.id IS NULL OR before.sandbox <> k.sandbox
                    OR before.organisation_id <> k.organisation_id OR before.valid_from > k.valid_from))
                OR (k.replaces IS NULL AND EXISTS (
                    SELECT FROM partner_key j WHERE j.organisation_id = k.organisation_id AND j.sandbox = k.sandbox
                        AND j.id <> k.id AND j.replaces IS NULL))
                OR 2 < (SELECT count(*) FROM partner_key_standing j
                        WHERE j.organisation_id = k.organisation_id AND j.sandbox = k.sandbox
                            AND j.valid_from <= k.valid_from AND k.valid_from < j.ends_at)
        """,
        {
            "partner": ("it is of no partner", "不属于任何合作方"),
            "chain": ("it does not follow the key before it", "未承接前一密钥"),
            "many": ("more than two keys are good at once when it begins", "生效时有两个以上密钥同时有效"),
        },
    ),
    Rule.single(
        "partner_key_revoked",
        """
            SELECT g.key_id AS place FROM partner_key_revoked g
            WHERE NOT EXISTS (SELECT FROM partner_key k WHERE k.id = g.key_id)
                OR NOT EXISTS (SELECT FROM staff s WHERE s.id = g.revoked_by)
        """,
        en="it names no key, or nobody who revoked it",
        zh="没有所指的密钥或吊销人",
    ),
    Rule.single(
        "partner_quota",
        """
            SELECT q.id AS place FROM partner_quota q
            WHERE NOT EXISTS (SELECT FROM organisation_role r
                              WHERE r.organisation_id = q.organisation_id AND r.role = 'partner')
                OR NOT EXISTS (SELECT FROM staff s WHERE s.id = q.set_by)
        """,
        en="it is of no partner, or nobody set it",
        zh="不属于任何合作方或无设定人",
    ),
)
_ACT = ("two people of its partner did not agree to it", "未经该合作方两人同意")
_FACTS = ("it is not what two people agreed to", "与两人所同意的不符")
_POINT = ("it is no key that Ed25519 makes", "不是 Ed25519 所生成的公钥")
_MISSING = ("two people agreed to a key that is not there", "两人同意的密钥不存在")


async def keys(session: AsyncSession) -> Checked:
    """Each key is what two people of its partner agreed to, sound, and in its chain; never more than two are good at once."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM partner_key"))
    acts = {act.id: act async for act in approvals.every_act(session, kind=KEY)}
    staff = {row["id"]: row["organisation_id"] for row in await queries.employers(session)}
    agreed = {act_id for act_id, act in acts.items() if act.decision is Decision.APPROVED}
    for row in await queries.every_key(session):
        act = acts.get(row["act_id"])
        if act is None or act.id not in agreed or _people(act, staff) != {row["organisation_id"]}:
            checked.name("partner_key", row["id"], _ACT)
        elif _facts(row) != _agreed(act, replaces=row["replaces"] is not None):
            checked.name("partner_key", row["id"], _FACTS)
        if not points.is_sound(bytes(row["public_key"])):
            checked.name("partner_key", row["id"], _POINT)
        agreed.discard(row["act_id"])
    for act_id in sorted(agreed):
        checked.name("two_person_act", act_id, _MISSING)
    return await look_for(session, checked, _KEYS)


def _people(act: TwoPersonAct, staff: dict[UUID, UUID]) -> set[UUID | None]:
    """The organisations of the two people behind an act."""
    return {staff.get(act.proposed_by), staff.get(act.decided_by) if act.decided_by else None}


def _facts(row: Any) -> tuple[object, ...]:
    overlap = row["replaced_until"] - row["valid_from"] if row["replaced_until"] else None
    return (
        str(row["organisation_id"]),
        written_key(bytes(row["public_key"])),
        row["sandbox"],
        row["valid_from"],
        row["valid_until"],
        overlap,
    )


def _agreed(act: TwoPersonAct, *, replaces: bool) -> tuple[object, ...]:
    assert act.decided_at is not None
    body, times = act.body, begun(act.body, decided_at=act.decided_at)
    return (
        body["organisation_id"],
        body["public_key"],
        body["sandbox"],
        times["valid_from"],
        times["valid_until"],
        timedelta(days=body["overlap_days"]) if replaces else None,
    )
