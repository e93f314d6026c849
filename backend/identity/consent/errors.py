"""What can be refused about consent and the assigned right."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class AgreementUnknown(DomainError):
    """There is no such agreement to enter into."""

    code = "identity.agreement_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这份协议。"


@dataclass(eq=False)
class AgreementChanged(DomainError):
    """The text that was agreed to is not the present edition; read it again."""

    code = "identity.agreement_changed"
    kind = Kind.CONFLICT
    title_zh = "您同意的文本不是现行版本，请重新阅读。"


@dataclass(eq=False)
class NothingToRevoke(DomainError):
    """The right is not assigned at present."""

    code = "identity.nothing_to_revoke"
    kind = Kind.NOT_FOUND
    title_zh = "目前没有可撤销的权益委托。"


@dataclass(eq=False)
class AssignedAlready(DomainError):
    """The right is assigned already for a part of that time."""

    code = "identity.assigned_already"
    kind = Kind.CONFLICT
    title_zh = "该时段内的权益已经委托。"


@dataclass(eq=False)
class ScenarioUnknown(DomainError):
    """There is no such scenario to consent to."""

    code = "identity.scenario_unknown"
    kind = Kind.INVALID
    title_zh = "没有这个场景。"


@dataclass(eq=False)
class ConsentNeeded(DomainError):
    """Linking needs consent to a scenario of this means: send the text's fingerprint along, or say yes at PUT /consents/{scenario}."""

    code = "identity.consent_needed"
    kind = Kind.CONFLICT
    title_zh = "绑定须先同意其所用的场景：可随请求提交授权书指纹，或先在“场景授权”中同意。"

    scenarios: str
