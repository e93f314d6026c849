"""What the chapters of the demo share: who is signed in, what has happened so far, and how two people act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from backend.identity import Role
from backend.intake import Summary
from backend.kit import outbox, tasks
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.log import TreeHead
from backend.packs import Library
from puhui.demo import city
from puhui.demo.city import City
from puhui.demo.files import Delivery
from puhui.demo.people import Caller, Phones, StaffMember

PROGRAMME = "gd-green-travel"
REGION = "CN-GD"
AUTHORITY = "demo-authority"
OPERATOR = "gd-operator"
BEGINS = city.FIRST_DAY + timedelta(hours=6, minutes=30)  # before the first trip of the month
ENDS = city.FIRST_DAY + timedelta(days=city.DAYS, hours=9)
SHOPPING = ENDS + timedelta(hours=3)
LATE_FILE = ENDS + timedelta(days=8)  # the docked bikes' file comes after the first batch
MARKET = "guangdong"
COMPLIANCE_YEAR = 2025
REGISTRY_OPENS = ENDS + timedelta(days=13)
PLEDGING = ENDS + timedelta(days=16)
CLOSING = ENDS + timedelta(days=19)
FOLLOWING = CLOSING + timedelta(hours=6)
PARTNERS = {
    "demo-bikes": ("绿行单车（虚构）", "Lüxing bikes (fictional)"),
    "demo-docks": ("演示市公共自行车（虚构）", "Demo city docked bikes (fictional)"),
    "demo-card": ("演示通一卡通（虚构）", "Demo city card (fictional)"),
    "demo-metro": ("演示市地铁（虚构）", "Demo city metro (fictional)"),
    "demo-bus": ("演示市公交（虚构）", "Demo city buses (fictional)"),
}
SOURCES = {
    "demo-bikes": [],
    "demo-docks": [],
    "demo-metro": ["demo-city"],
    "demo-bus": ["demo-city"],
}
PHONES = {"甲": "13900000001", "乙": "13900000002", "丙": "13900000003"}

Step = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Intake:
    """One delivery and what became of it."""

    delivery: Delivery
    summary: Summary
    rejected_file: Path | None

    @property
    def as_planted(self) -> bool:
        """True when exactly the planted dirt was found."""
        found, sums = self.delivery, self.summary
        return (sums.duplicates, sums.conflicts, sums.rejected) == (
            found.duplicates, found.conflicts, found.rejected,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """A methodology, and what it may lead to here: `filed`, `demo` or `not_filed`."""

    id: str
    zh: str
    en: str
    standing: str
    refusal: str = ""  # the code with which filing it for this region was refused


@dataclass(frozen=True, slots=True)
class View:
    """What one citizen sees, as answered by the citizens' interface."""

    name: str
    participant: UUID
    me: dict[str, Any]
    month: dict[str, Any]
    wallet: dict[str, Any]
    acts: list[dict[str, Any]]
    before_linking: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a citizen did at a shop: `how` it ended, and what the till or the citizen was answered."""

    citizen: str
    shop: str
    title: str
    points: int
    how: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Certified:
    """A batch from the frozen acts to its credits, as the interfaces answered."""

    batch: dict[str, Any]
    report: dict[str, Any]
    sample: dict[str, Any]
    evidence: dict[str, Any]
    findings: list[dict[str, Any]]
    statement: dict[str, Any]
    issuance: dict[str, Any]
    refused: list[tuple[str, str, str]]  # who tried what (zh, en), and the code of the refusal


@dataclass
class Compliance:
    """What happened in the compliance market, as its interfaces answered."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    obligations: list[dict[str, Any]] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)
    bridge: dict[str, Any] = field(default_factory=dict)
    demo_refusal: str = ""
    sales: list[dict[str, Any]] = field(default_factory=list)
    cash: dict[str, int] = field(default_factory=dict)
    deposited: int = 0
    pledges: dict[str, dict[str, Any]] = field(default_factory=dict)
    surrenders: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Followed:
    """One tonne followed back by somebody without a login, and one ride by the receipt of whoever rode."""

    serial: str = ""
    story: dict[str, Any] = field(default_factory=dict)
    proof: Path | None = None
    proof_bytes: int = 0
    proven: bool = False
    receipt: Path | None = None
    receipt_proven: bool = False
    act: dict[str, Any] = field(default_factory=dict)
    traced: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """A shop's statement: its lines, how many of them led to a redemption, what it comes to, and where it is kept."""

    shop: str
    lines: int
    led: int
    points: int
    fen: int
    pdf: Path


@dataclass
class Happened:
    """Everything the account of the demo tells."""

    counts: dict[str, int] = field(default_factory=dict)
    linked: int = 0
    assigned: int = 0
    methods: list[Method] = field(default_factory=list)
    intakes: list[Intake] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    explained: dict[str, Any] = field(default_factory=dict)  # a ride, by a filed methodology
    overlaid: dict[str, Any] = field(default_factory=dict)  # a metro trip, by one that an overlay lets in
    figures: dict[str, Any] = field(default_factory=dict)
    redeemed: list[Redeemed] = field(default_factory=list)
    payable: dict[str, int] = field(default_factory=dict)
    offers: list[dict[str, Any]] = field(default_factory=list)
    refund_exact: bool = False
    settled: list[Settled] = field(default_factory=list)
    payout: Path | None = None
    certified: list[Certified] = field(default_factory=list)
    compliance: Compliance = field(default_factory=Compliance)
    followed: Followed = field(default_factory=Followed)
    measured_g: int = 0
    blocks: int = 0
    head: TreeHead | None = None
    logins: Path | None = None


@dataclass
class Stage:
    """What the acts of the story share."""

    db: Database
    settings: Settings
    client: httpx.AsyncClient
    phones: Phones
    library: Library
    city: City
    told: Happened
    staff: dict[str, StaffMember] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    late: list[Delivery] = field(default_factory=list)  # files that come after the month's end

    async def sign_in(self, login: str) -> Caller:
        """Sign a member of staff in, with the secrets that they were given."""
        self.callers[login] = await self.staff[login].sign_in(self.client)
        return self.callers[login]

    async def agree(
        self, by: tuple[str, str], path: str, approval: str, body: dict[str, Any] | None = None
    ) -> Any:
        """The first proposes at `path`, the second approves exactly that at `approval`, where the act's id is put."""
        proposal = await self.callers[by[0]].ask("POST", path, body)
        shown = {"subject_sha256": proposal["subject_sha256"]}
        return await self.callers[by[1]].ask("POST", approval.format(act=proposal["id"]), shown)

    async def deliver_promises(self) -> None:
        """Do what transactions promised, as relay and worker do; a promise may lead to another one."""
        worker = tasks.Worker(settings=self.settings, db=self.db)
        while True:
            owed: list[int] = []

            async def ring(message: outbox.Message, owed: list[int] = owed) -> None:
                owed.append(message.outbox_id)

            if not await outbox.relay_once(self.db, ring):
                return
            for outbox_id in owed:
                await tasks.deliver(worker, outbox_id)

    async def two_people(self, by: tuple[str, str], path: str, body: dict[str, Any]) -> Any:
        """The first proposes an admission, the second approves exactly what was proposed."""
        proposal = await self.callers[by[0]].ask("POST", path, body)
        return await self.callers[by[1]].ask(
            "POST",
            f"/operator/v1/admissions/{proposal['id']}/approval",
            {"subject_sha256": proposal["subject_sha256"]},
        )

    async def admit_organisation(
        self, by: tuple[str, str], code: str, names: tuple[str, str], role: Role
    ) -> None:
        """Two people let an organisation in; the authority an operator, the operator its partners."""
        body = {"code": code, "name_zh": names[0], "name_en": names[1], "roles": [role.value]}
        await self.two_people(by, "/operator/v1/organisations/proposals", body)

    async def admit_staff(self, by: tuple[str, str], code: str, login: str, role: Role) -> None:
        """Two people let a member of staff in, who signs in at once."""
        body = {"organisation_code": code, "login": login, "roles": [role.value]}
        made = await self.two_people(by, "/operator/v1/staff/proposals", body)
        self.staff[login] = StaffMember(login, made["first_password"], made["totp_uri"])
        await self.sign_in(login)
