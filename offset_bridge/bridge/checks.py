"""What must hold of bridge transfers, and of every credit over both books."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for
from offset_bridge import books
from offset_bridge.bridge import service
from offset_bridge.bridge.identity import PLACES, places
from offset_bridge.bridge.model import FOLLOWS, StepName

_EXPECTED = """
    SELECT s.bridge_id || ' ' || s.step AS place, s.posting_id, 1 AS line,
        CASE s.step
            WHEN 'locked' THEN 'holder:' || b.from_book || ':' || b.owner
            WHEN 'deposited' THEN 'bridged_in:' || b.to_book
            ELSE 'locked:' || b.from_book || ':' || b.market END AS debit,
        CASE s.step
            WHEN 'locked' THEN 'locked:' || b.from_book || ':' || b.market
            WHEN 'deposited' THEN 'entity:' || b.to_book || ':' || b.owner
            WHEN 'returned' THEN 'holder:' || b.from_book || ':' || b.owner
            ELSE 'bridged_out:' || b.from_book || ':' || b.market END AS credit,
        b.quantity_t AS amount, 'bridge.' || s.step AS reason
    FROM bridge_step s LEFT JOIN bridge_transfer b ON b.id = s.bridge_id
"""
_RULES = (
    Rule.single(
        "bridge_transfer",
        """
            SELECT b.id::text AS place FROM bridge_transfer b
            WHERE NOT EXISTS (SELECT FROM bridge_step s WHERE s.bridge_id = b.id AND s.step = 'locked')
                OR b.to_book <> b.market || '-' || b.from_book
        """,
        en="nothing was locked for it, or its books are not those of its market",
        zh="没有对应的锁定，或编号簿与市场不符",
    ),
    Rule.single(
        "bridge_step",
        """
            SELECT s.bridge_id || ' ' || s.step AS place FROM bridge_step s
            LEFT JOIN bridge_transfer b ON b.id = s.bridge_id
            LEFT JOIN bridge_step before ON before.bridge_id = s.bridge_id AND before.step = s.follows
            WHERE b.id IS NULL OR s.taken_at < b.asked_at
                OR CASE s.step WHEN 'locked' THEN s.follows IS NOT NULL
                    WHEN 'deposited' THEN s.follows IS DISTINCT FROM 'locked'
                    WHEN 'returned' THEN s.follows IS DISTINCT FROM 'locked'
                    WHEN 'confirmed' THEN s.follows IS DISTINCT FROM 'deposited' ELSE true END
                OR (s.follows IS NOT NULL AND before.step IS NULL)
                OR (s.step = 'returned') <> (s.reason IS NOT NULL)
                OR EXISTS (SELECT FROM bridge_step o WHERE o.bridge_id = s.bridge_id AND o.follows = s.follows
                           AND o.step <> s.step)
        """,
        en="it does not follow from the step before it, or not alone",
        zh="与前一步骤不相衔接，或同一步骤之后有两种结果",
    ),
    books.posted_as("bridge_step", expected=_EXPECTED),
    books.same_numbers(
        "bridge_step",
        pairs="""
            SELECT s.bridge_id || ' ' || s.step AS place, s.posting_id, l.posting_id AS first
            FROM bridge_step s JOIN bridge_step l ON l.bridge_id = s.bridge_id AND l.step = 'locked'
        """,
    ),
    books.belongs(
        "bridge_step",
        reasons="starts_with(t.reason, 'bridge.')",
        known="SELECT posting_id FROM bridge_step",
        en="units moved over the bridge without a step",
        zh="有单位过桥而无步骤记录",
    ),
)


async def steps(session: AsyncSession) -> Checked:
    """A transfer's steps follow from each other, each posted once what it says, and each is in the log as it is."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM bridge_step"))
    await look_for(session, checked, _RULES)
    every = await service.every_transfer(session)
    for step in FOLLOWS:
        stored = {
            f"{transfer.id} {step}": service.stated(transfer, transfer.serials, reason=taken.reason)
            for transfer in every
            for taken in transfer.steps
            if taken.step is step
        }
        await books.logged(
            session, checked, table="bridge_step", kind=f"bridge.{StepName(step)}", stored=stored
        )
    return checked


_LOST = ("these credits were issued and are nowhere", "这些减排量已签发而无处可寻")
_DOUBLED = ("these credits count in more than one place", "这些减排量在不止一处计数")
_NEVER_ISSUED = ("these credits count and were never issued", "这些减排量在计数而从未签发")


async def across(session: AsyncSession) -> Checked:
    """Every credit ever issued counts in exactly one place, over the book that issued it and the markets' books."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM serial_block"))
    for book, marks in (await places(session)).items():
        issued = counted = 0
        since = None
        for number in sorted(marks):
            if since is not None and issued != counted:
                fault = _NEVER_ISSUED if issued < min(counted, 1) else _LOST if counted < 1 else _DOUBLED
                checked.name("serial_block", f"{book} {since}-{number}", fault)
            issued += marks[number]["issued"]
            counted += sum(marks[number][place] for place in PLACES)
            since = number
    return checked
