"""What must hold of lotteries: fixed in time, logged as they are, and drawn as they come out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.engagement import rewards
from backend.engagement.lotteries import drawing, queries, service
from backend.engagement.lotteries.model import Lottery
from backend.engagement.lotteries.published import told
from backend.kit.checks import Checked, Rule, look_for
from backend.kit.errors import DomainError
from backend.log import canonical
from backend.programmes import programme_of

_ROWS = (
    Rule(
        "lottery",
        """
            SELECT place, fault FROM (
                SELECT l.id AS place, CASE
                    WHEN o.id IS NULL OR o.code IS DISTINCT FROM p.operator_code
                        OR s.organisation_id IS DISTINCT FROM l.operator_id THEN 'operator'
                    WHEN r.id IS NULL OR l.operator_id = l.second_id THEN 'second'
                    WHEN NOT (l.opened_at < l.enter_until AND l.enter_from < l.enter_until
                        AND l.enter_until < l.reveal_until) THEN 'times'
                END AS fault
                FROM lottery l LEFT JOIN programme p ON p.id = l.programme_id
                LEFT JOIN organisation o ON o.id = l.operator_id LEFT JOIN organisation r ON r.id = l.second_id
                LEFT JOIN staff s ON s.id = l.opened_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "operator": ("staff of the programme's operator did not open it", "并非由计划运营方人员开设"),
            "second": ("its second party is no other organisation", "第二方不是另一机构"),
            "times": ("its times are out of order", "时间次序不对"),
        },
    ),
    Rule(
        "lottery_commitment",
        """
            SELECT place, fault FROM (
                SELECT c.lottery_id || ' ' || c.party AS place, CASE
                    WHEN c.organisation_id IS DISTINCT FROM CASE c.party WHEN 'operator' THEN l.operator_id
                        WHEN 'second' THEN l.second_id END OR s.organisation_id IS DISTINCT FROM c.organisation_id THEN 'party'
                    WHEN c.committed_at >= l.enter_until THEN 'late'
                    WHEN EXISTS (SELECT FROM lottery_commitment o WHERE o.lottery_id = c.lottery_id AND o.party <> c.party
                        AND (o.organisation_id = c.organisation_id OR o.committed_by = c.committed_by
                             OR o.commitment = c.commitment)) THEN 'same'
                END AS fault
                FROM lottery_commitment c LEFT JOIN lottery l ON l.id = c.lottery_id LEFT JOIN staff s ON s.id = c.committed_by
            ) found WHERE fault IS NOT NULL
        """,
        {
            "party": ("it was not made by staff of its party", "并非由该方人员作出"),
            "late": ("it was made after entries had closed", "作出于报名截止之后"),
            "same": ("both parties are one, or committed to one thing", "两方为同一方,或承诺相同"),
        },
    ),
    Rule(
        "lottery_entry",
        """
            SELECT place, fault FROM (
                SELECT e.id AS place, CASE
                    WHEN l.id IS NULL OR e.participant_id IS NULL OR NOT EXISTS (
                        SELECT FROM participant p WHERE p.id = e.participant_id) THEN 'nowhere'
                    WHEN e.points <> l.points THEN 'price'
                    WHEN e.entered_at < l.enter_from OR e.entered_at >= l.enter_until OR 2 <> (
                        SELECT count(*) FROM lottery_commitment c WHERE c.lottery_id = l.id
                            AND c.committed_at <= e.entered_at) THEN 'time'
                    WHEN e.number <> e.own OR e.number > l.most_per_person OR e.many > l.most_entries THEN 'count'
                    WHEN e.handles <> 1 OR e.people <> 1 THEN 'handle'
                END AS fault
                FROM (
                    SELECT e.*, row_number() OVER person AS own, count(*) OVER (PARTITION BY lottery_id) AS many,
                        (SELECT count(DISTINCT o.handle) FROM lottery_entry o WHERE o.lottery_id = e.lottery_id
                            AND o.participant_id = e.participant_id) AS handles,
                        (SELECT count(DISTINCT o.participant_id) FROM lottery_entry o WHERE o.lottery_id = e.lottery_id
                            AND o.handle = e.handle) AS people
                    FROM lottery_entry e WINDOW person AS (PARTITION BY lottery_id, participant_id ORDER BY number, id)
                ) e LEFT JOIN lottery l ON l.id = e.lottery_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "nowhere": ("there is no such lottery or participant", "没有这次抽奖或这位参与者"),
            "price": ("its points are not the lottery's price", "积分不等于抽奖价格"),
            "time": ("it was made when nobody could enter", "参加时尚未开放或已截止"),
            "count": ("one person, or all, entered more often than one may", "超过每人或全部的参加次数"),
            "handle": ("a handle is not of one person, or a person has several", "代号与参与者不是一一对应"),
        },
    ),
    Rule(
        "lottery_winner",
        """
            SELECT place, fault FROM (
                SELECT w.lottery_id || ' ' || w.place AS place, CASE
                    WHEN d.outcome IS DISTINCT FROM 'drawn' THEN 'drawn'
                    WHEN g.id IS NULL OR g.kind <> 'lottery' OR g.participant_id IS DISTINCT FROM e.participant_id
                        OR g.reward <> l.reward || '/' || w.prize OR g.granted_at > d.decided_at
                        OR g.programme_id <> l.programme_id THEN 'grant'
                END AS fault
                FROM lottery_winner w LEFT JOIN lottery l ON l.id = w.lottery_id
                LEFT JOIN lottery_result d ON d.lottery_id = w.lottery_id
                LEFT JOIN lottery_entry e ON e.id = w.entry_id LEFT JOIN reward_grant g ON g.id = w.grant_id
            ) found WHERE fault IS NOT NULL
        """,
        {
            "drawn": ("the lottery was not drawn", "该抽奖并未开奖"),
            "grant": ("its prize was not granted to who won", "奖品未发放给中奖者"),
        },
    ),
    Rule.single(
        "reward_grant",
        """
            SELECT g.id AS place FROM reward_grant g
            WHERE g.kind = 'lottery' AND NOT EXISTS (SELECT FROM lottery_winner w WHERE w.grant_id = g.id)
        """,
        en="it is a prize that nobody won",
        zh="无人中得的奖品",
    ),
)
_TIMES = text("""
    SELECT l.id, x.closed_at, x.entries, x.log_index, x.log_count, d.seed, d.decided_at, d.log_index AS result_index,
           (SELECT min(r.revealed_at) FROM lottery_reveal r WHERE r.lottery_id = l.id) AS first_reveal,
           (SELECT max(r.revealed_at) FROM lottery_reveal r WHERE r.lottery_id = l.id) AS last_reveal,
           (SELECT bool_and(s.organisation_id = c.organisation_id) FROM lottery_reveal r
            JOIN lottery_commitment c ON c.lottery_id = r.lottery_id AND c.party = r.party
            LEFT JOIN staff s ON s.id = r.revealed_by WHERE r.lottery_id = l.id) AS by_party
    FROM lottery l LEFT JOIN lottery_close x ON x.lottery_id = l.id LEFT JOIN lottery_result d ON d.lottery_id = l.id
""")
_PACK = ("it is not what the programme's pack said when it was opened", "与开设时的计划规则包不符")
_FIXED = ("the entries are not those that were fixed", "参加名单与截止时固定的不符")
_CLOSED = ("it was closed before its time", "提前截止")
_REVEALED = (
    "a secret is not what was committed to, or was not revealed in its time by its party",
    "公开的秘密与承诺不符,或非由该方在期限内公开",
)
_DRAWN = ("it was not drawn as its secrets and entries give it", "开奖结果与两方秘密及参加名单不符")
_FAILED = (
    "it failed although nobody was silent, or names somebody else",
    "并无一方沉默而作失败,或所指的不是沉默方",
)
_LOGGED = ("the log does not say what the lottery is", "日志所载与抽奖不符")
_STRAY = ("the log tells of a lottery that is not there", "日志所载的抽奖不存在")


async def drawn(session: AsyncSession) -> Checked:
    """Lotteries were committed, entered, closed and revealed in order, and drawn as they come out again; the log says so."""
    lotteries = [service.lottery_from(row) for row in await session.execute(queries.ALL)]
    checked = Checked(rows=len(lotteries))
    await look_for(session, checked, _ROWS)
    times = {row.id: row for row in await session.execute(_TIMES)}
    logged: set[int] = set()
    for one in lotteries:
        entries = (await session.execute(queries.ENTRIES, {"lottery": one.id})).all()
        labels = sorted(f"{row.handle}-{row.number}" for row in entries)
        won = [
            drawing.Winner(row.place, row.prize, row.label)
            for row in await session.execute(queries.WINNERS, {"lottery": one.id})
        ]
        await _as_the_pack_says(session, checked, one)
        _come_out_again(checked, one, times[one.id], labels, won)
        logged |= await _in_the_log(session, checked, one, labels=labels, won=won, row=times[one.id])
    await _stray(session, checked, logged)
    return checked


async def _as_the_pack_says(session: AsyncSession, checked: Checked, one: Lottery) -> None:
    try:
        programme = await programme_of(session, code=one.programme, at=one.opened_at)
        reward = rewards.reward_of(programme, reward_id=one.reward, kinds={"lottery"})
        prizes = tuple(drawing.Prize(p.id, p.title.zh, p.title.en, p.count) for p in reward.prizes)
        said = (rewards.price_of(programme, reward), reward.most_per_person, reward.stock, prizes)
    except DomainError:
        said = None
    if said != (one.points, one.most_per_person, one.most_entries, one.prizes):
        checked.name("lottery", one.id, _PACK)


def _come_out_again(
    checked: Checked, one: Lottery, row: Any, labels: list[str], won: list[drawing.Winner]
) -> None:
    if one.closed_at is not None:
        if (row.entries, one.entries_sha256) != (len(labels), drawing.digest_of(labels)):
            checked.name("lottery_close", one.id, _FIXED)
        if one.closed_at < one.enter_until:
            checked.name("lottery_close", one.id, _CLOSED)
    as_committed = all(
        drawing.commitment_to(secret, one.id) == one.commitments.get(party)
        for party, secret in one.secrets.items()
    )
    in_time = not one.secrets or (
        one.closed_at is not None and one.closed_at <= row.first_reveal and row.last_reveal < one.reveal_until
    )
    if not (as_committed and in_time and (row.by_party or not one.secrets)):
        checked.name("lottery_reveal", one.id, _REVEALED)
    if one.outcome == "drawn":
        both = len(one.secrets) == len(service.PARTIES)
        if not both or (row.seed, won) != service.recompute(one, labels) or one.failed_by:
            checked.name("lottery_result", one.id, _DRAWN)
    elif one.outcome == "failed":
        uncommitted = {party for party in service.PARTIES if party not in one.commitments}
        silent = uncommitted or {party for party in service.PARTIES if party not in one.secrets}
        early = not uncommitted and row.decided_at < one.reveal_until
        if set(one.failed_by) != silent or not silent or early or won or row.seed is not None:
            checked.name("lottery_result", one.id, _FAILED)


async def _in_the_log(
    session: AsyncSession,
    checked: Checked,
    one: Lottery,
    *,
    labels: list[str],
    won: list[drawing.Winner],
    row: Any,
) -> set[int]:
    """The log's entries of a lottery say what its rows do; the indexes of those entries."""
    places = (await session.execute(queries.LOGGED, {"lottery": one.id})).all()
    indexes = [place.log_index + step for place in places for step in range(max(0, place.entries))]
    entries = await log.entries_at(session, indexes)
    wanted = _wanted(one, labels, won, row)
    found = [(entry.kind, canonical.encode(entry.body)) for entry in entries]
    if sorted(found) != sorted((kind, canonical.encode(body)) for kind, body in wanted) or (
        one.outcome == "drawn"
        and told(entries)["winners"] != service.drawn_body(one, row.seed, won)["winners"]
    ):
        checked.name("lottery", one.id, _LOGGED)
    return {entry.index for entry in entries}


def _wanted(
    one: Lottery, labels: list[str], won: Sequence[drawing.Winner], row: Any
) -> list[tuple[str, dict[str, Any]]]:
    named = {"lottery": str(one.id)}
    said: list[tuple[str, dict[str, Any]]] = [(service.OPENED, one.stated())]
    for party in service.PARTIES:
        by = named | {"party": party, "by": one.organisation(party)}
        if party in one.commitments:
            said.append((service.COMMITTED, by | {"commitment": one.commitments[party].hex()}))
        if party in one.secrets:
            said.append((service.REVEALED, by | {"secret": one.secrets[party].hex()}))
    if one.closed_at is not None:
        said += service.closing_entries(one, labels)
    if one.outcome == "drawn":
        said.append((service.DRAWN, service.drawn_body(one, row.seed, list(won))))
    elif one.outcome == "failed":
        said.append((service.FAILED, service.failed_body(one, list(one.failed_by))))
    return said


async def _stray(session: AsyncSession, checked: Checked, known: set[int]) -> None:
    kinds = (
        service.OPENED, service.COMMITTED, service.LISTED, service.CLOSED, service.REVEALED, service.DRAWN,
        service.FAILED,
    )  # fmt: skip
    for entry in await log.entries(session, low=0, high=await log.size(session), kinds=kinds):
        if entry.index not in known:
            checked.name(entry.kind, entry.index, _STRAY)
