"""What can be refused about people."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ParticipantUnknown(DomainError):
    """There is no such participant."""

    code = "identity.participant_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个参与者。"


@dataclass(eq=False)
class PhoneInvalid(DomainError):
    """The phone number is not a mobile number of mainland China or an international number with its prefix."""

    code = "identity.phone_invalid"
    kind = Kind.INVALID
    title_zh = "手机号无效：须为中国大陆手机号，或带国家区号的国际号码。"


@dataclass(eq=False)
class PhoneTaken(DomainError):
    """This number belongs to another account here; if both are yours, ask to join them."""

    code = "identity.phone_taken"
    kind = Kind.CONFLICT
    title_zh = "该手机号已属于另一个账户；如两个账户都是您的，可选择合并。"
