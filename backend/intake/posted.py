"""What must hold between actions and the ledger: the points and grams that their chunks and claims posted."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import methodologies
from backend.intake.chunks import posting_id
from backend.kit import clock, ids
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.errors import DomainError
from backend.methodologies import FilingStatus, Quantifier
from backend.packs.regions import covers
from backend.programmes import Programme
from backend.programmes.checks import Term, ran_by, terms
from backend.programmes.purses import purse_of

_CLAIMS_AT_ONCE = 5_000
_EPOCH = dt.date(1970, 1, 1)

Place = tuple[UUID, int]  # a chunk: its job and its number there


@dataclass(frozen=True, slots=True)
class Feed:
    """A chunk with the source that it came from."""

    job_id: UUID
    seq: int
    started_at: dt.datetime
    committed_at: dt.datetime
    programme: str
    region: str
    evidence: str
    covered_boundary: bool

    @property
    def place(self) -> str:
        return f"{self.job_id}/{self.seq}"


async def feeds(session: AsyncSession, *, jobs: Sequence[UUID] | None = None) -> list[Feed]:
    """Every chunk (of these jobs), with what its source said of its actions."""
    wanted = None if jobs is None else list(jobs)
    return [Feed(*row) for row in await session.execute(_FEEDS, {"wanted": wanted})]


_FEEDS = text("""
    SELECT c.job_id, c.seq, j.started_at, c.committed_at, p.code, s.region, s.evidence, s.covered_boundary
    FROM intake_chunk c
    JOIN intake_job j ON j.id = c.job_id
    JOIN intake_source s ON s.id = j.source_id
    JOIN programme p ON p.id = s.programme_id
    WHERE CAST(:wanted AS uuid[]) IS NULL OR c.job_id = ANY (:wanted)
    ORDER BY c.job_id, c.seq
""")

_POSTING = """
    unnest(CAST(:jobs AS uuid[]), CAST(:seqs AS integer[]), CAST(:postings AS uuid[]), CAST(:programmes AS text[]))
        AS p(job_id, seq, posting_id, programme)
"""
_OF_ACTS = (
    "t.reason IN ('points.earned', 'points.repaid', 'points.ripening', 'benefit.earned', 'benefit.repaid')"
)
_EARNED = Rule(
    "ledger_transfer",
    f"""
        SELECT COALESCE(e.job_id, b.job_id) || '/' || COALESCE(e.seq, b.seq) || ' ' || COALESCE(e.who, b.who) AS place,
               CASE WHEN e.points IS DISTINCT FROM b.points THEN 'sum' ELSE 'account' END AS fault
        FROM (
            SELECT job_id, seq, participant_id::text AS who, sum(points) AS points
            FROM action WHERE participant_id IS NOT NULL
            GROUP BY job_id, seq, participant_id HAVING sum(points) > 0
        ) e
        FULL JOIN (
            SELECT p.job_id, p.seq, split_part(c.code, ':', 2) AS who, sum(t.amount) AS points,
                   bool_and({_OF_ACTS} AND t.reverses IS NULL
                            AND d.code = d.kind || ':' || p.programme
                            AND c.code LIKE c.kind || ':%:' || p.programme || '%') AS sound
            FROM {_POSTING}
            JOIN ledger_transfer t ON t.posting_id = p.posting_id
            JOIN ledger_account d ON d.id = t.debit_id
            JOIN ledger_account c ON c.id = t.credit_id
            GROUP BY p.job_id, p.seq, split_part(c.code, ':', 2)
        ) b ON b.job_id = e.job_id AND b.seq = e.seq AND b.who = e.who
        WHERE e.points IS DISTINCT FROM b.points OR b.sound IS NOT TRUE
    """,  # noqa: S608 - put together from constants
    {
        "sum": (
            "the points posted are not those of the participant's actions in the chunk",
            "过账积分与该参与者在此数据块中的行为不符",
        ),
        "account": ("the points moved between other accounts than they should", "积分过账的账户不对"),
    },
)
_LOTS = text(f"""
    SELECT p.job_id, p.seq, c.kind, c.due, CASE WHEN c.kind = 'pending' THEN split_part(c.code, ':', 4) END AS ripe_on,
           min(t.happened_at) AS low, max(t.happened_at) AS high
    FROM {_POSTING}
    JOIN ledger_transfer t ON t.posting_id = p.posting_id
    JOIN ledger_account c ON c.id = t.credit_id AND c.kind IN ('wallet', 'pending', 'benefit')
    GROUP BY p.job_id, p.seq, c.kind, c.due, ripe_on
""")  # noqa: S608
_ISSUED = Rule.single(
    "ledger_transfer",
    f"""
        SELECT COALESCE(a.code, i.code) AS place
        FROM (
            SELECT p.code, sum(own.points) AS points
            FROM (
                SELECT source_id, points FROM action WHERE participant_id IS NOT NULL
                UNION ALL
                SELECT a.source_id, c.points FROM action_claim c JOIN action a ON a.claim_key = c.claim_key
            ) own
            JOIN intake_source s ON s.id = own.source_id JOIN programme p ON p.id = s.programme_id
            GROUP BY p.code HAVING sum(own.points) > 0
        ) a
        FULL JOIN (
            SELECT split_part(d.code, ':', 2) AS code, sum(t.amount) AS points
            FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id AND d.kind IN ('issuer', 'subsidy')
            WHERE t.reverses IS NULL AND {_OF_ACTS} GROUP BY 1
        ) i ON i.code = a.code
        WHERE a.points IS DISTINCT FROM i.points
    """,  # noqa: S608 - put together from constants
    en="the points issued are not those of the programme's actions",
    zh="发放的积分不等于该计划各行为的积分",
)
_LAPSES = ("the points lapse on another day than the programme says", "积分的到期日与计划规则不符")
_CLAIMED = ("the points posted are not those of the claimed actions", "过账积分与被认领的行为不符")


async def points(session: AsyncSession) -> Checked:
    """What a chunk or a claim posted to each participant is the sum of the points of their actions in it."""
    found = await feeds(session)
    checked = Checked(
        rows=await count_rows(
            session, "SELECT count(*) FROM ledger_transfer WHERE unit = 'pt' OR reason LIKE 'benefit.%'"
        )
    )
    given = _postings(found, "points")
    await look_for(session, checked, [_EARNED, _ISSUED], **given)
    programmes = await terms(session)
    by_place = {(feed.job_id, feed.seq): feed for feed in found}
    for lot in await session.execute(_LOTS, given):
        feed = by_place[lot.job_id, lot.seq]
        packs = ran_by(programmes.get(feed.programme, []), feed.started_at, lot.high)
        days = [clock.day_of(min(feed.started_at, lot.low)), clock.day_of(lot.high)]
        if packs and not any(_fits_purse(pack, days, lot) for pack in packs):
            checked.name("ledger_account", f"{feed.place} {lot.due}", _LAPSES)
    return await _claims(session, checked)


def _fits_purse(pack: Programme, days: Sequence[dt.date], lot: Any) -> bool:
    """Whether what was earned between two days may lie in a lot of this kind, due day and day of ripening."""
    first, last = (purse_of(pack, day) for day in days)
    if lot.kind != first.lot or not _between(first.due, lot.due, last.due):
        return False
    return (
        lot.ripe_on is None
        or first.suffix[: len(lot.ripe_on)] <= lot.ripe_on <= last.suffix[: len(lot.ripe_on)]
    )


def _between(first: dt.date | None, due: dt.date | None, last: dt.date | None) -> bool:
    """Whether points that were earned between two days may lapse on this one; None: never."""
    if first is None or last is None or due is None:
        return first is None and last is None and due is None
    return first <= due <= last


def _postings(found: Iterable[Feed], part: str) -> dict[str, list[object]]:
    listed = list(found)
    return {
        "jobs": [feed.job_id for feed in listed],
        "seqs": [feed.seq for feed in listed],
        "postings": [posting_id(feed.job_id, feed.seq, part) for feed in listed],
        "programmes": [feed.programme for feed in listed],
    }


_CLAIM_GROUPS = text("""
    SELECT c.claim_id, p.code, c.participant_id, sum(c.points) AS points
    FROM action_claim c
    JOIN action a ON a.claim_key = c.claim_key
    JOIN intake_source s ON s.id = a.source_id
    JOIN programme p ON p.id = s.programme_id
    GROUP BY c.claim_id, p.code, c.participant_id HAVING sum(c.points) > 0
""")
_CLAIM_POSTED = text(f"""
    SELECT u.posting_id FROM unnest(CAST(:postings AS uuid[]), CAST(:programmes AS text[]),
        CAST(:participants AS text[]), CAST(:points AS bigint[])) AS u(posting_id, programme, who, points)
    LEFT JOIN LATERAL (
        SELECT sum(t.amount) AS points, bool_and(
            {_OF_ACTS} AND t.reverses IS NULL
            AND d.code = d.kind || ':' || u.programme
            AND c.code LIKE c.kind || ':' || u.who || ':' || u.programme || '%') AS sound
        FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        JOIN ledger_account c ON c.id = t.credit_id
        WHERE t.posting_id = u.posting_id
    ) b ON true
    WHERE u.points IS DISTINCT FROM b.points OR b.sound IS NOT TRUE
""")  # noqa: S608 - put together from constants


async def _claims(session: AsyncSession, checked: Checked) -> Checked:
    result = await session.stream(_CLAIM_GROUPS)
    async for rows in result.partitions(_CLAIMS_AT_ONCE):
        wrong = await session.execute(
            _CLAIM_POSTED,
            {
                "postings": [ids.derive(row.claim_id, row.code) for row in rows],
                "programmes": [row.code for row in rows],
                "participants": [str(row.participant_id) for row in rows],
                "points": [int(row.points) for row in rows],
            },
        )
        for row in wrong:
            checked.name("action_claim", f"posting {row.posting_id}", _CLAIMED)
    return checked


_GROUPS = text("""
    SELECT job_id, seq, method_id, left(claim_key::text, 8) AS day, credit, sum(grams)::bigint AS grams
    FROM action GROUP BY 1, 2, 3, 4, 5
""")
_BOOKED = text(f"""
    SELECT p.job_id, p.seq, c.code, sum(t.amount)::bigint AS grams, max(t.happened_at) AS posted_at,
           bool_and(t.reverses IS NULL AND d.code = 'measured:' || p.programme) AS sound
    FROM {_POSTING}
    JOIN ledger_transfer t ON t.posting_id = p.posting_id
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    GROUP BY p.job_id, p.seq, c.code
""")  # noqa: S608
_MEASURED = Rule.single(
    "ledger_transfer",
    """
        SELECT COALESCE('measured:' || a.code, m.code) AS place
        FROM (
            SELECT p.code, sum(a.grams) AS grams
            FROM action a JOIN intake_source s ON s.id = a.source_id JOIN programme p ON p.id = s.programme_id
            GROUP BY p.code HAVING sum(a.grams) > 0
        ) a
        FULL JOIN (
            SELECT d.code, sum(t.amount) AS grams
            FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id AND d.kind = 'measured'
            WHERE t.reverses IS NULL GROUP BY d.code
        ) m ON m.code = 'measured:' || a.code
        WHERE a.grams IS DISTINCT FROM m.grams
    """,
    en="the grams measured are not those of the programme's actions",
    zh="计量的克数不等于该计划各行为的克数",
)
_SUM = (
    "the grams posted are not those of the chunk's actions that belong there",
    "过账克数与该数据块中应入此账户的行为不符",
)
_SOURCE = ("the grams come from another account than they should", "克数过账的来源账户不对")
_BARRED = ("its actions' credit is not what source and methodology say", "行为的归类与来源及方法学不符")
_UNFILED = (
    "grams are pooled under a methodology that was not filed for region and day",
    "克数入池，而方法学当日未在该地区备案",
)


async def grams(session: AsyncSession) -> Checked:
    """What a chunk posted to each pool is the sum of its pooled actions' grams, and likewise for the uncredited.

    A pool that is not marked as a demonstration rests on a methodology that was filed for the region and day of intake.
    """
    found = {(feed.job_id, feed.seq): feed for feed in await feeds(session)}
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM ledger_transfer WHERE unit = 'g'"))
    await look_for(session, checked, [_MEASURED])
    booked = await booked_grams(session, found.values())
    for place, chunk in booked.items():
        for code in chunk.unsound:
            checked.name("ledger_transfer", f"{place[0]}/{place[1]} {code}", _SOURCE)
    owed = await _owed(session, checked, found, booked)
    for place in booked.keys() | owed.keys():
        posted = booked[place].grams if place in booked else {}
        for code in sorted(posted.keys() | owed[place].keys()):
            if posted.get(code, 0) != owed[place].get(code, 0):
                checked.name("ledger_transfer", f"{place[0]}/{place[1]} {code}", _SUM)
    return checked


@dataclass
class Booked:
    """What one chunk posted: grams by the code of the account that they went to, and when."""

    posted_at: dt.datetime
    grams: dict[str, int] = field(default_factory=dict)
    unsound: list[str] = field(
        default_factory=list
    )  # codes whose grams came from another account than they should


async def booked_grams(session: AsyncSession, found: Iterable[Feed]) -> dict[Place, Booked]:
    """What these chunks posted, as the ledger has it; a chunk that posted no grams is left out."""
    booked: dict[Place, Booked] = {}
    for row in await session.execute(_BOOKED, _postings(found, "grams")):
        chunk = booked.setdefault((row.job_id, row.seq), Booked(row.posted_at))
        chunk.grams[row.code] = row.grams
        chunk.posted_at = row.posted_at
        if not row.sound:
            chunk.unsound.append(row.code)
    return booked


async def _owed(
    session: AsyncSession, checked: Checked, found: dict[Place, Feed], booked: dict[Place, Booked]
) -> dict[Place, dict[str, int]]:
    """What each chunk's actions bring to each account; names actions that are credited as they may not be."""
    homes = await Homes.of(session)
    owed: dict[Place, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    named: set[tuple[object, ...]] = set()
    for row in await session.execute(_GROUPS):
        place = (row.job_id, row.seq)
        feed = found.get(place)
        method = await homes.method(session, row.method_id)
        if feed is None or method is None:
            continue  # named by other checks
        posted = booked.get(place) or Booked(feed.started_at)
        codes, faults = homes.accounts(feed, method, month_of(row.day), row.credit, posted.posted_at)
        if (*place, row.method_id, row.credit) not in named:
            named.add((*place, row.method_id, row.credit))
            for fault in faults:
                checked.name("action", f"{feed.place} method {row.method_id} {row.credit}", fault)
        if row.grams:
            code = next((code for code in codes if code in posted.grams), codes[0])
            owed[place][code] += row.grams
    return owed


def month_of(day: str) -> str:
    """The month (`YYYY-MM`) of a day as a claim key begins with it."""
    days = int(day, 16)
    try:
        return (_EPOCH + dt.timedelta(days=days)).isoformat()[:7]
    except OverflowError:
        return "?"


@dataclass
class Homes:
    """Where the grams of an action belong, by what was in force when it was taken in."""

    programmes: dict[str, list[Term]]
    filings: list[methodologies.Filing]
    overrides: list[methodologies.DemoOverride]
    methods: dict[int, Quantifier | None]

    @classmethod
    async def of(cls, session: AsyncSession) -> Homes:
        return cls(
            await terms(session),
            await methodologies.filings(session),
            await methodologies.demo_overrides(session),
            {},
        )

    async def method(self, session: AsyncSession, method_id: int) -> Quantifier | None:
        if method_id not in self.methods:
            try:
                self.methods[method_id] = await methodologies.recover(session, method_id=method_id)
            except DomainError:
                self.methods[method_id] = None
        return self.methods[method_id]

    def accounts(
        self, feed: Feed, method: Quantifier, month: str, credit: str, until: dt.datetime
    ) -> tuple[list[str], list[tuple[str, str]]]:
        """The account that the grams belong to (several where a rule changed during the job), and what is wrong."""
        statuses = {self._status(feed, method, at) for at in (feed.started_at, until)}
        faults = []
        if credit == "pooled" and statuses == {"not_filed"}:
            faults.append(_UNFILED)
        elif not any(_fits(credit, _barrier(feed, method, status)) for status in statuses):
            faults.append(_BARRED)
        if credit != "pooled":
            return [f"uncredited:{feed.programme}:{credit}"], faults
        packs = ran_by(self.programmes.get(feed.programme, []), feed.started_at, until)
        return [
            f"pool:{project}:{method.methodology.id}:{month}" + (":demo" if demo else "")
            for project in sorted({pack.project for pack in packs} or {"?"})
            for demo in sorted({status == "demo" for status in statuses})
        ], faults

    def _status(self, feed: Feed, method: Quantifier, at: dt.datetime) -> FilingStatus:
        """The filing status as it was known at a moment."""
        sha256, day = method.methodology.sha256, clock.day_of(at)
        for filing in self.filings:
            if (
                filing.pack_sha256 == sha256
                and filing.filed_at <= at
                and covers(filing.region, feed.region)
                and filing.valid_from <= day
                and (filing.valid_until is None or day <= filing.valid_until)
            ):
                return "demo" if any(overlay.demo for overlay in method.overlays) else "filed"
        overridden = any(
            override.pack_sha256 == sha256 and override.set_at <= at and covers(override.region, feed.region)
            for override in self.overrides
        )
        return "demo" if overridden else "not_filed"


def _barrier(feed: Feed, method: Quantifier, status: FilingStatus) -> str | None:
    if feed.covered_boundary:
        return "covered_boundary"
    if not method.creditable(feed.evidence):
        return "evidence"
    return "method_not_filed" if status == "not_filed" else None


def _fits(credit: str, barrier: str | None) -> bool:
    if credit == "covered_boundary":  # the source may be, or its partner said so of this act
        return True
    return credit == barrier if barrier else credit in {"pooled", "unlinked", "right_not_assigned"}
