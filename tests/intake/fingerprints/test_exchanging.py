"""Two platforms find the rides that both claim; a person decides, and only then does an act stop counting."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from backend import intake
from backend.identity import Role, consent, organisations, people, staff
from backend.identity.people.exchanging import number_digest, phone_digest
from backend.intake import fingerprints, holding
from backend.intake.fingerprints import files
from backend.intake.fingerprints.agreement import Agreement, ExchangeKey
from backend.intake.fingerprints.prints import Act, own_prints
from backend.kit import ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.packs import load_all
from tests.intake.fingerprints.support import SECRET, agreement, key
from tests.intake.test_pipeline import SINCE, City, ride

RIDES = (100, 300, 500)  # minutes behind local midnight of 12 October


class Town(City):
    """A city whose riders have phones, and the platform of another one."""

    staff_id: UUID

    async def citizen(self, account: str, phone: str) -> UUID:
        async with self.db.transaction() as session:
            who = await people.citizen_with_phone(session, self.settings.keys, phone=phone)
            await self.link(session, who, account)
            await consent.assign_right_list(session, participant_ids=[who], covers_from=SINCE)
        return who

    def sent(
        self,
        agreed: Agreement,
        secret: ExchangeKey,
        claims: Sequence[tuple[bytes, float]],
        name: str = "theirs",
    ) -> Path:
        """The file of the other platform, which noted rides of these subjects at these minutes of the day."""
        begin = dt.datetime(2026, 10, 11, 16, tzinfo=dt.UTC).timestamp()
        path = self.folder / f"{name}.ndjson"
        noted = [Act(place, subject, "bike", begin + 60 * at) for place, (subject, at) in enumerate(claims)]
        files.write(path, replace(agreed, own=agreed.other), secret, own_prints(agreed, noted))
        return path

    async def match(
        self, agreed: Agreement, secret: ExchangeKey, path: Path, numbers: Path | None = None
    ) -> fingerprints.Matched:
        return await fingerprints.match(
            self.db, self.settings, agreement=agreed, key=secret, path=path, numbers=numbers
        )

    async def claims(self, *, decided: bool = False, limit: int = 50) -> list[fingerprints.ExternalClaim]:
        async with self.db.transaction() as session:
            return await fingerprints.list_claims(
                session, programmes=["gd-green-travel"], decided=decided, limit=limit
            )

    async def decide(self, claim: fingerprints.ExternalClaim, outcome: str) -> fingerprints.ExternalClaim:
        async with self.db.transaction() as session:
            return await fingerprints.decide(
                session,
                claim_key=claim.claim_key,
                platform=claim.platform,
                outcome=outcome,  # type: ignore[arg-type]
                staff_id=self.staff_id,
                reason="compared with the other platform's receipt",
            )


@pytest.fixture
async def town(db: Database, settings: Settings, tmp_path: Path) -> Town:
    here = Town(db, settings, load_all(), tmp_path)
    await here.open()
    async with db.transaction() as session:
        code = f"operator-{ids.uuid7().hex[-8:]}"
        await organisations.create_organisation(
            session, code=code, name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
        )
        made = await staff.create_staff(
            session,
            settings.keys,
            organisation_code=code,
            login=code,
            password="a long enough password 7",
            roles=[Role.OPERATOR],
        )
    here.staff_id = made.staff.id
    return here


def phone_of(number: int) -> str:
    return f"137{number:08d}"


@pytest.fixture
def number() -> int:
    return ids.uuid7().int % 10**8


@pytest.fixture
def agreed(tmp_path: Path, number: int) -> Agreement:
    """An exchange with a platform of the test's own."""
    other = f'"other-{number}"'
    return agreement(tmp_path, between=f'["puhui-gd", {other}]', bits="64")


@pytest.fixture
def secret(tmp_path: Path) -> ExchangeKey:
    return key(tmp_path)


async def test_the_rides_that_both_platforms_claim_are_found_and_nothing_is_withdrawn(
    town: Town, agreed: Agreement, secret: ExchangeKey, number: int
) -> None:
    who = await town.citizen(f"A{number}", phone_of(number))
    await town.ingest([ride(f"A{number}", at) for at in RIDES])
    before = await town.points(who)
    subject = phone_digest(secret.under(agreed), phone_of(number))
    stranger = phone_digest(secret.under(agreed), "13600000000")
    path = town.sent(agreed, secret, [(subject, 100.5), (subject, 299.5), (subject, 420), (stranger, 500)])
    found = await town.match(agreed, secret, path)
    assert (found.rates.matched, found.beside, found.noted) == (2, 1, 2)
    claims = [claim for claim in await town.claims() if claim.platform == agreed.other]
    assert sorted((claim.activity, claim.beside, claim.outcome) for claim in claims) == [
        ("cycling", False, None),
        ("cycling", True, None),
    ]
    assert await town.points(who) == before


async def test_what_we_send_the_other_platform_finds(
    town: Town, agreed: Agreement, secret: ExchangeKey, number: int
) -> None:
    await town.citizen(f"B{number}", phone_of(number))
    await town.ingest([ride(f"B{number}", at) for at in RIDES])
    path = town.folder / "ours.parquet"
    done = await fingerprints.export(town.db, town.settings, agreement=agreed, key=secret, path=path)
    sent = files.read(path, replace(agreed, own=agreed.other), secret).prints
    subject = phone_digest(secret.under(agreed), phone_of(number))
    begin = dt.datetime(2026, 10, 11, 16, tzinfo=dt.UTC).timestamp()
    mine = own_prints(agreed, [Act(0, subject, "bike", begin + 60 * at) for at in RIDES])
    assert set(mine.tolist()) <= set(sent.tolist())
    assert done.fingerprints == len(sent)


async def test_the_same_file_again_notes_nothing_new_and_a_longer_one_only_what_is_new(
    town: Town, agreed: Agreement, secret: ExchangeKey, number: int
) -> None:
    await town.citizen(f"C{number}", phone_of(number))
    await town.ingest([ride(f"C{number}", at) for at in RIDES])
    subject = phone_digest(secret.under(agreed), phone_of(number))
    first = town.sent(agreed, secret, [(subject, 100)])
    assert (await town.match(agreed, secret, first)).noted == 1
    again = await town.match(agreed, secret, first)
    assert (again.rates.matched, again.noted) == (1, 0)
    longer = town.sent(agreed, secret, [(subject, 100), (subject, 300)])
    more = await town.match(agreed, secret, longer)
    assert (more.rates.matched, more.noted) == (2, 1)


async def test_two_comparisons_at_once_note_a_claim_once(
    town: Town, agreed: Agreement, secret: ExchangeKey, number: int
) -> None:
    await town.citizen(f"D{number}", phone_of(number))
    await town.ingest([ride(f"D{number}", at) for at in RIDES])
    subject = phone_digest(secret.under(agreed), phone_of(number))
    path = town.sent(agreed, secret, [(subject, at) for at in RIDES])
    both = await asyncio.gather(*(town.match(agreed, secret, path) for _ in range(2)))
    assert sorted(found.noted for found in both) == [0, 3]


async def test_people_without_a_phone_are_left_out_and_counted(
    town: Town, secret: ExchangeKey, number: int
) -> None:
    await town.rider(f"E{number}")
    narrow = agreement(town.folder, **{"from": "2026-10-09", "until": "2026-10-09"})
    await town.ingest([ride(f"E{number}", 100, day="2026-10-09")])
    done = await fingerprints.export(
        town.db, town.settings, agreement=narrow, key=secret, path=town.folder / "none.ndjson"
    )
    assert (done.acts, done.unnamed, done.fingerprints) == (0, 1, 0)


async def test_days_outside_the_agreement_and_withdrawn_acts_are_not_compared(
    town: Town, secret: ExchangeKey, number: int
) -> None:
    who = await town.citizen(f"F{number}", phone_of(number))
    narrow = agreement(town.folder, **{"from": "2026-10-05", "until": "2026-10-06"})
    days = ("2026-10-04", "2026-10-05", "2026-10-06", "2026-10-07")
    await town.ingest([ride(f"F{number}", at, day=day) for day in days for at in (0, 23 * 60 + 39)])

    async def exported() -> int:
        path = town.folder / "days.ndjson"
        return (
            await fingerprints.export(town.db, town.settings, agreement=narrow, key=secret, path=path)
        ).acts

    assert await exported() == 4
    async with town.db.transaction() as session:
        acts = await intake.acts_of(session, participant_id=who)
        one = next(act for act in acts if act.happened_at.date() == dt.date(2026, 10, 5))
        await holding.withdraw(session, keys=[one.key], cause="conflict", reference=ids.uuid7())
    assert await exported() == 3


async def test_cards_are_compared_by_the_numbers_on_a_list_that_is_not_kept(
    town: Town, secret: ExchangeKey, number: int, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    other = f"other-{number}"
    cards = agreement(town.folder, subject='"number"', between=f'["puhui-gd", "{other}"]', bits="64")
    account = f"G{number}"
    await town.ingest([ride(account, 100)])  # nobody holds it: the number is enough
    listed = town.folder / "numbers.csv"
    listed.write_text(f"kind,operator,number\nbike_account,gz-bikes,{account}\n", encoding="utf-8")
    subject = number_digest(secret.under(cards), kind="bike_account", operator="gz-bikes", number=account)
    path = town.sent(cards, secret, [(subject, 100)])
    with pytest.raises(fingerprints.NumbersFaulty):
        await town.match(cards, secret, path)
    found = await town.match(cards, secret, path, numbers=listed)
    assert (found.rates.matched, found.noted) == (1, 1)
    told = await superuser.fetchval("SELECT string_agg(x::text, ' ') FROM fingerprint_match x")
    assert account not in told
    assert SECRET.hex() not in told


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("kind,operator\nbike_account,gz-bikes\n", 1),
        ("kind,operator,number\nbike_account,gz-bikes,A1\nbike_account,gz-bikes,\n", 3),
        ("kind,operator,number\nBike,gz-bikes,A1\n", 2),
        ("kind,operator,number\nbike_account,gz-bikes\n", 2),
        ('kind,operator,number\nbike_account,gz-bikes,"A1\n', 2),
    ],
)
async def test_a_list_of_numbers_is_refused_with_its_line(
    town: Town, secret: ExchangeKey, content: str, line: int
) -> None:
    cards = agreement(town.folder, subject='"number"')
    listed = town.folder / "numbers.csv"
    listed.write_text(content, encoding="utf-8")
    with pytest.raises(fingerprints.NumbersFaulty) as refused:
        await fingerprints.export(
            town.db, town.settings, agreement=cards, key=secret, path=town.folder / "x", numbers=listed
        )
    assert refused.value.line == line


class TestDeciding:
    """One external claim, and what becomes of it."""

    @pytest.fixture
    async def who(self, town: Town, number: int) -> UUID:
        return await town.citizen(f"H{number}", phone_of(number))

    @pytest.fixture
    async def claim(
        self, town: Town, agreed: Agreement, secret: ExchangeKey, number: int, who: UUID
    ) -> fingerprints.ExternalClaim:
        assert await town.points(who) == 0
        await town.ingest([ride(f"H{number}", 100)])
        subject = phone_digest(secret.under(agreed), phone_of(number))
        await town.match(agreed, secret, town.sent(agreed, secret, [(subject, 100)]))
        (claim,) = [claim for claim in await town.claims() if claim.platform == agreed.other]
        return claim

    async def test_an_act_that_is_ours_goes_on_counting(
        self, town: Town, who: UUID, claim: fingerprints.ExternalClaim
    ) -> None:
        decided = await town.decide(claim, "ours")
        assert (decided.outcome, decided.withdrawn) == ("ours", False)
        assert await town.points(who) == 48
        assert claim.claim_key not in {one.claim_key for one in await town.claims()}
        assert claim.claim_key in {one.claim_key for one in await town.claims(decided=True, limit=1_000)}

    async def test_an_act_that_is_theirs_is_withdrawn_with_its_points(
        self, town: Town, who: UUID, claim: fingerprints.ExternalClaim
    ) -> None:
        decided = await town.decide(claim, "theirs")
        assert (decided.outcome, decided.withdrawn) == ("theirs", True)
        assert await town.points(who) == 0

    async def test_deciding_the_same_again_changes_nothing_and_otherwise_is_refused(
        self, town: Town, who: UUID, claim: fingerprints.ExternalClaim
    ) -> None:
        first = await town.decide(claim, "theirs")
        assert await town.decide(claim, "theirs") == first
        with pytest.raises(fingerprints.ExternalClaimDecided):
            await town.decide(claim, "ours")
        assert await town.points(who) == 0

    async def test_a_second_who_decides_waits_for_the_first(
        self, town: Town, who: UUID, claim: fingerprints.ExternalClaim
    ) -> None:
        async def theirs() -> object:
            return await town.decide(claim, "theirs")

        async with town.db.transaction() as session:
            await fingerprints.decide(
                session,
                claim_key=claim.claim_key,
                platform=claim.platform,
                outcome="ours",
                staff_id=town.staff_id,
                reason="first",
            )
            second = asyncio.create_task(theirs())
            await asyncio.sleep(0.3)
            assert not second.done()
        with pytest.raises(fingerprints.ExternalClaimDecided):
            await second
        assert await town.points(who) == 48

    async def test_a_claim_that_nobody_noted_is_unknown(
        self, town: Town, claim: fingerprints.ExternalClaim
    ) -> None:
        with pytest.raises(fingerprints.ExternalClaimUnknown):
            await town.decide(replace(claim, platform="nobody"), "ours")

    @pytest.mark.usefixtures("claim")
    async def test_what_is_stored_of_an_exchange_is_never_changed(
        self, superuser: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        for table in ("fingerprint_match", "external_claim", "external_claim_decision"):
            with pytest.raises(asyncpg.PostgresError):
                await superuser.execute(f"TRUNCATE {table} CASCADE")
        with pytest.raises(asyncpg.PostgresError):
            await superuser.execute("UPDATE external_claim SET beside = NOT beside")


async def test_claims_are_listed_page_by_page_and_only_of_the_programmes_asked_for(
    town: Town, agreed: Agreement, secret: ExchangeKey, number: int
) -> None:
    await town.citizen(f"I{number}", phone_of(number))
    await town.ingest([ride(f"I{number}", at) for at in RIDES])
    subject = phone_digest(secret.under(agreed), phone_of(number))
    await town.match(agreed, secret, town.sent(agreed, secret, [(subject, at) for at in RIDES]))
    async with town.db.transaction() as session:
        page = await fingerprints.list_claims(
            session, programmes=["gd-green-travel"], platform=agreed.other, limit=2
        )
        rest = await fingerprints.list_claims(
            session,
            programmes=["gd-green-travel"],
            platform=agreed.other,
            limit=2,
            after=(page[-1].claim_key, page[-1].platform),
        )
        assert (len(page), len({claim.claim_key for claim in [*page, *rest]})) == (2, 3)
        assert await fingerprints.list_claims(session, programmes=["another"]) == []
