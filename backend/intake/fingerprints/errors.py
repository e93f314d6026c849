"""What can be refused of agreements, keys, files of fingerprints, and decisions about external claims."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class AgreementFaulty(DomainError):
    """The agreement of the exchange cannot be used: this field is missing or not as it must be."""

    code = "fingerprints.agreement_faulty"
    kind = Kind.INVALID
    title_zh = "交换协议无法使用：该字段缺失或不符合要求。"

    field: str
    expected: str


@dataclass(eq=False)
class ExchangeKeyFaulty(DomainError):
    """The exchange key is not at least 32 bytes in base64."""

    code = "fingerprints.key_faulty"
    kind = Kind.INVALID
    title_zh = "交换密钥不是至少 32 字节的 base64。"


@dataclass(eq=False)
class FingerprintsUnreadable(DomainError):
    """The file is not a file of fingerprints, or is not whole."""

    code = "fingerprints.unreadable"
    kind = Kind.INVALID
    title_zh = "该文件不是指纹文件，或不完整。"

    line: int
    expected: str


@dataclass(eq=False)
class OtherAgreement(DomainError):
    """The fingerprints were made under another agreement; compare the two agreements field by field."""

    code = "fingerprints.other_agreement"
    kind = Kind.CONFLICT
    title_zh = "指纹所依据的协议与本方不同，请逐项核对两份协议。"


@dataclass(eq=False)
class OtherKey(DomainError):
    """The fingerprints were made with another exchange key."""

    code = "fingerprints.other_key"
    kind = Kind.CONFLICT
    title_zh = "指纹所用的交换密钥与本方不同。"


@dataclass(eq=False)
class OwnFingerprints(DomainError):
    """These are this platform's own fingerprints, or those of a platform that the agreement does not name."""

    code = "fingerprints.not_the_others"
    kind = Kind.CONFLICT
    title_zh = "这是本平台自己的指纹，或协议未列出的平台的指纹。"


@dataclass(eq=False)
class NumbersFaulty(DomainError):
    """The list of numbers needs the columns kind, operator and number, and a card or account on every line."""

    code = "fingerprints.numbers_faulty"
    kind = Kind.INVALID
    title_zh = "号码清单须有 kind、operator、number 三列，且每行为一张卡或一个账户。"

    line: int


@dataclass(eq=False)
class ExternalClaimUnknown(DomainError):
    """There is no such claim by another platform."""

    code = "fingerprints.claim_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项来自其他平台的申报。"


@dataclass(eq=False)
class ExternalClaimDecided(DomainError):
    """It was decided already, otherwise."""

    code = "fingerprints.claim_decided"
    kind = Kind.CONFLICT
    title_zh = "该申报已另有决定。"
