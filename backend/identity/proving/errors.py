"""Why a proof is refused."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ProofRefused(DomainError):
    """The provider of real names does not confirm this."""

    code = "identity.proof_refused"
    kind = Kind.INVALID
    title_zh = "实名服务未予确认。"


@dataclass(eq=False)
class AnotherPerson(DomainError):
    """This account was proved to be another person's."""

    code = "identity.another_person"
    kind = Kind.CONFLICT
    title_zh = "该账户已确认为另一人所有。"
