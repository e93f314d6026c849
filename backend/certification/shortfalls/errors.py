"""What is refused because certified acts were withdrawn."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class StatementOutdated(DomainError):
    """Acts were withdrawn, or shortfalls met, since the statement was made; the verification body has to state again."""

    code = "certification.statement_outdated"
    kind = Kind.CONFLICT
    title_zh = "核查声明作出后有行为被撤回或缺口已另行补足,须由核查机构重新出具声明。"


@dataclass(eq=False)
class CorrectionsOwed(DomainError):
    """The operator owes grams of acts that were withdrawn after they had been certified."""

    code = "certification.corrections_owed"
    kind = Kind.CONFLICT
    title_zh = "运营方尚欠已核证后被撤回的行为的减排量。"

    owed_g: int


@dataclass(eq=False)
class ShortfallUnknown(DomainError):
    """Nothing was withdrawn from issued batches of this series."""

    code = "certification.shortfall_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "该系列的已签发批次中没有被撤回的行为。"


@dataclass(eq=False)
class NothingOwed(DomainError):
    """The next batch of this series can still make good for what was withdrawn; nothing is owed yet."""

    code = "certification.nothing_owed"
    kind = Kind.CONFLICT
    title_zh = "该系列目前没有欠量,后续批次仍可扣减。"


@dataclass(eq=False)
class NothingHeld(DomainError):
    """The operator holds no credits that could be cancelled; the debt stands."""

    code = "certification.nothing_held"
    kind = Kind.CONFLICT
    title_zh = "运营方已不持有可注销的减排量,欠量仍然存在。"
