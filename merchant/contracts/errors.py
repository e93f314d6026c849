"""What a contract refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ContractInvalid(DomainError):
    """The contract's words do not fit together; `why` names the part."""

    code = "merchant.contract_invalid"
    kind = Kind.INVALID
    title_zh = "合同内容不自洽；why 指明所在。"
    ours = True

    why: str


class ContractUnknown(DomainError):
    """There is no such contract here."""

    code = "merchant.contract_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这份合同。"


@dataclass(eq=False)
class NoContract(DomainError):
    """No contract of this merchant and programme is in force, so nothing can be captured."""

    code = "merchant.no_contract"
    kind = Kind.CONFLICT
    title_zh = "该商户与计划之间没有有效合同，不能核销。"

    programme: str


@dataclass(eq=False)
class ContractTermUnknown(DomainError):
    """The contract in force has no such term."""

    code = "merchant.contract_term_unknown"
    kind = Kind.CONFLICT
    title_zh = "有效合同中没有此条款。"

    term: str


name_sqlstate("PM031", lambda facts: NoContract(programme=str(facts.get("programme"))))
name_sqlstate("PM032", lambda facts: ContractTermUnknown(term=str(facts.get("term"))))
