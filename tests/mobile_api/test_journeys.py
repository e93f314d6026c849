"""Where all of my grams went equals what each act's own journey says, gram by gram."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from backend.identity import consent, means, people
from backend.kit.quantities import GRAMS_PER_TONNE
from tests.certification.conftest import BIKES, FULL_RIDE_G, SINCE, Town, town
from tests.mobile_api.conftest import Citizen
from tests.mobile_api.test_journey import _logged, rider

__all__ = ["rider", "town"]

EN = {"Accept-Language": "en"}


class Rider:
    """The town's rider, asking."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, headers=self.headers | EN, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def pages(self, path: str, limit: int) -> list[Any]:
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit=limit, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def shares(self) -> tuple[Counter[tuple[Any, ...]], dict[str, Any]]:
        told = await self.get("/journeys")
        shares = Counter(
            {
                (one["state"], one["holder"], one["compliance_year"]): one["reduction_g"]
                for one in told["shares"]
            }
        )
        assert sum(shares.values()) == told["total_g"]
        return shares, told

    async def one_by_one(self) -> tuple[Counter[tuple[Any, ...]], Counter[str]]:
        """The same from the journey of each act by itself: by state, and by serial number."""
        states: Counter[tuple[Any, ...]] = Counter()
        serials: Counter[str] = Counter()
        for act in await self.pages("/acts", 100):
            told = await self.get(f"/acts/{act['id']}/journey")
            if not told["steps"]:
                state = "frozen" if told["stage"] == "batched" else told["stage"]
                states[state, None, None] += act["reduction_g"]
                continue
            if told["steps"][0]["kind"] == "batch.frozen":
                state = {"batched": "frozen", "rejected": "rejected"}[told["stage"]]
                states[state, None, None] += act["reduction_g"]
                continue
            states["rejected", None, None] += act["reduction_g"] - told["counted_g"]
            for step in told["steps"]:
                self._count(step, states, serials)
            if told["steps"][-1]["carried_on_g"]:
                states["carried", None, None] += told["steps"][-1]["carried_on_g"]
        return +states, +serials

    @staticmethod
    def _count(step: dict[str, Any], states: Counter[tuple[Any, ...]], serials: Counter[str]) -> None:
        """Gram by tonne, by the plainest means."""
        tonne = step["first_tonne"]
        for run in step["tonnes"]:
            book, _, first = run["first_serial"].rpartition("-")
            for number in range(run["quantity_t"]):
                low = max(step["low_g"], (tonne - 1) * GRAMS_PER_TONNE)
                grams = min(step["high_g"], tonne * GRAMS_PER_TONNE) - low
                states[run["status"], run["holder"], run["compliance_year"]] += grams
                serials[f"{book}-{int(first) + number:09d}"] += grams
                tonne += 1

    async def agree(self) -> Counter[tuple[Any, ...]]:
        shares, _ = await self.shares()
        states, serials = await self.one_by_one()
        assert +shares == states
        listed = await self.pages("/journeys/serials", 1)
        assert {one["serial"]: one["reduction_g"] for one in listed} == dict(serials)
        assert len(listed) == len(serials)
        return +shares


async def test_the_sums_of_all_my_grams_equal_the_journeys_of_the_acts_one_by_one(
    town: Town, client: httpx.AsyncClient, rider: dict[str, str]
) -> None:
    me = Rider(client, rider)
    await _neighbour(town)
    await town.ride("2026-01", [FULL_RIDE_G] * 500, account="B2")  # so many that the tree has stored chunks
    await town.ride("2026-01", [FULL_RIDE_G] * 60, a_day=12)
    total = 60 * FULL_RIDE_G
    assert await me.agree() == {("pooled", None, None): total}

    batch = await town.close("2026-01")
    await town.verify(batch, findings=await _findings(town, batch.id), deduction_g=5_000)
    await town.issue(batch)
    shares, told = await me.shares()
    assert shares == {("frozen", None, None): total}  # no signed head of the log vouches for it yet
    assert told["batches"][0]["state"] == "frozen"
    await town.seal()
    shares = await me.agree()
    held, carried = "gd-operator", shares["carried", None, None]
    assert sum(shares.values()) == total
    assert shares["rejected", None, None] >= 3_400 + 4_000 + 3_999 + 4_000
    assert carried > 0
    (one,) = (await me.get("/journeys"))["batches"]
    assert one["frozen_g"] == one["rejected_g"] + one["carried_g"] + one["numbered_g"] == total
    assert (one["carried_g"], one["numbered_g"]) == (carried, shares["held", held, None])

    lots = [{"book": "phcer", "unit": "PHCER", "serials": [[1, 2]]}]
    used = {"market": "guangdong", "compliance_year": 2026, "entity": held, "lots": lots}
    await _logged(town, "unit.pledged", **used)
    await _logged(
        town, "unit.surrendered", **used, edition="handbook", returned=[], pack_sha256="00" * 32, cap_t=9, offset_t=1
    )  # fmt: skip
    await town.ride("2026-02", [FULL_RIDE_G] * 220, account="B2")
    later = await town.close("2026-02")
    await town.verify(later)
    await town.issue(later)
    await town.seal()
    await town.ride("2026-03", [FULL_RIDE_G])
    after = await me.agree()
    assert (
        after["surrendered", held, 2026] + after["held", held, None] == shares["held", held, None] + carried
    )
    assert after["surrendered", held, 2026] > 0
    assert (after["carried", None, None], after["pooled", None, None]) == (0, FULL_RIDE_G)
    first, second = (await me.get("/journeys"))[
        "batches"
    ]  # what was carried is in a tonne of the later batch
    assert (first["carried_g"], second["acts"], second["numbered_g"]) == (0, 0, carried)
    (share,) = [one for one in (await me.get("/journeys"))["shares"] if one["state"] == "surrendered"]
    assert (share["text"], share["tonnes"]) == ("Surrendered by an enterprise.", 1)


async def _neighbour(town: Town) -> None:
    """Somebody else, whose grams lie in the same batches."""
    async with town.db.transaction() as session:
        (other,) = await people.register_many(session, count=1)
        await consent.assign_right_list(session, participant_ids=[other], covers_from=SINCE)
        await means.link(
            session, town.settings.keys, participant_id=other, kind="bike_account", operator=BIKES,
            number="B2", held_from=SINCE, proof_reference="list",
        )  # fmt: skip


async def _findings(town: Town, batch_id: UUID) -> dict[int, int]:
    """Of my acts two lose a part and two all of it, in the first chunk of leaves and behind it; of others' one all."""
    async with town.db.transaction() as session:
        rows = await session.execute(
            text("""
                SELECT l.position, a.participant_id = :rider AS mine
                FROM batch_leaf l JOIN action a ON a.claim_key = l.claim_key
                WHERE l.batch_id = :id ORDER BY l.position
            """),
            {"id": batch_id, "rider": town.rider},
        )
        leaves = rows.all()
    mine = [row.position for row in leaves if row.mine]
    first, behind = [at for at in mine if at < 256], [at for at in mine if at >= 256]
    theirs = next(row.position for row in leaves if not row.mine and row.position > 256)
    return {first[2]: 600, first[5]: 0, behind[1]: 1, behind[3]: 0, theirs: 0}


async def test_somebody_without_acts_has_no_grams_anywhere(alice: Citizen) -> None:
    told = (await alice.get("/journeys")).json()
    assert (told["total_g"], told["shares"], told["batches"]) == (0, [], [])
    assert (await alice.get("/journeys/serials")).json() == {"items": [], "next_cursor": None}
