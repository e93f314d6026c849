"""Why a proof is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


Because = Literal["closed", "another_account", "guardian"]


@dataclass(eq=False)
class NotRedeemable(DomainError):
    """Nothing is spent here: closed, not allowed by a guardian, or another account of yours counts (join them).

    GET /mobile/v1/me/proofs tells which.
    """

    code = "identity.not_redeemable"
    kind = Kind.CONFLICT
    title_zh = "此账户不能使用积分：已注销、以同一人先核验的账户为准（可合并两个账户），或监护人尚未同意。"


@dataclass(eq=False)
class ProviderUnknown(DomainError):
    """No provider of real names is set up under this name here."""

    code = "identity.real_names_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "本平台未接入该实名服务。"


@dataclass(eq=False)
class RealNamesUnavailable(DomainError):
    """The provider of real names does not answer at present."""

    code = "identity.real_names_unavailable"
    kind = Kind.UNAVAILABLE
    title_zh = "实名服务暂不可用，请稍后再试。"
