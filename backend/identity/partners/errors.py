"""What can be refused about partners' keys, the signatures of their requests, and how much they send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from backend.kit.errors import DomainError, Kind

WANTED = '("@method" "@authority" "@path" "@query" "content-digest" "content-type")'
_HINT = {
    "www-authenticate": 'Signature realm="puhui"',
    "accept-signature": f'puhui={WANTED};created;nonce;keyid;alg="ed25519"',
}


class SignatureMissing(DomainError):
    """The request is not signed: it needs the headers Signature-Input and Signature (RFC 9421)."""

    code = "identity.signature_missing"
    kind = Kind.UNAUTHENTICATED
    title_zh = "请求没有签名：须带 Signature-Input 与 Signature 请求头（RFC 9421）。"
    headers: ClassVar[dict[str, str]] = _HINT


class SignatureUnreadable(DomainError):
    """The signature's headers cannot be read, or they hold more than one signature."""

    code = "identity.signature_unreadable"
    kind = Kind.UNAUTHENTICATED
    title_zh = "无法读取签名请求头，或其中有不止一个签名。"
    headers: ClassVar[dict[str, str]] = _HINT


@dataclass(eq=False)
class SignatureIncomplete(DomainError):
    """The signature does not cover, or say, all that it has to."""

    code = "identity.signature_incomplete"
    kind = Kind.UNAUTHENTICATED
    title_zh = "签名未覆盖全部必需的内容，或缺少必需的参数。"
    headers: ClassVar[dict[str, str]] = _HINT

    missing: list[str]


class SignatureWrong(DomainError):
    """The signature is not one of this request by a key that is known here."""

    code = "identity.signature_wrong"
    kind = Kind.UNAUTHENTICATED
    title_zh = "签名与此请求不符，或密钥未登记。"
    headers: ClassVar[dict[str, str]] = _HINT


@dataclass(eq=False)
class SignatureOutOfTime(DomainError):
    """The signature was made too long ago, has expired, or lies in the future; look at your clock and sign again."""

    code = "identity.signature_out_of_time"
    kind = Kind.UNAUTHENTICATED
    title_zh = "签名时间过早、已过期或在未来；请核对时钟后重新签名。"
    headers: ClassVar[dict[str, str]] = _HINT

    tolerance_s: int


class PartnerKeyNotLive(DomainError):
    """The key that signed is not valid yet, or not any more."""

    code = "identity.partner_key_not_live"
    kind = Kind.UNAUTHENTICATED
    title_zh = "签名所用的密钥尚未生效或已失效。"
    headers: ClassVar[dict[str, str]] = _HINT


class NonceUsed(DomainError):
    """A request with this nonce was taken already; sign again with another one."""

    code = "identity.nonce_used"
    kind = Kind.UNAUTHENTICATED
    title_zh = "此 nonce 已用过；请换一个重新签名。"
    headers: ClassVar[dict[str, str]] = _HINT


class DigestDiffers(DomainError):
    """The body is not the one that Content-Digest (RFC 9530) was made of."""

    code = "identity.digest_differs"
    kind = Kind.MALFORMED
    title_zh = "请求正文与 Content-Digest（RFC 9530）不符。"


class SandboxKey(DomainError):
    """This cannot be asked with a key of the sandbox."""

    code = "identity.sandbox_key"
    kind = Kind.FORBIDDEN
    title_zh = "不能用沙箱密钥请求此项。"


class NotSandboxKey(DomainError):
    """This is for keys of the sandbox only."""

    code = "identity.not_sandbox_key"
    kind = Kind.FORBIDDEN
    title_zh = "此项只供沙箱密钥使用。"


class PartnerKeyUnsound(DomainError):
    """This is not a public key that Ed25519 makes."""

    code = "identity.partner_key_unsound"
    kind = Kind.INVALID
    title_zh = "这不是 Ed25519 所生成的公钥。"


class PartnerKeyTaken(DomainError):
    """This public key was registered before; make another one."""

    code = "identity.partner_key_taken"
    kind = Kind.CONFLICT
    title_zh = "此公钥已登记过；请另生成一个。"


@dataclass(eq=False)
class PartnerKeyTimes(DomainError):
    """A key begins now or within 30 days, lasts at most 400 days, and overlaps the one before it by at most 30 days."""

    code = "identity.partner_key_times"
    kind = Kind.INVALID
    title_zh = "密钥须自现在起 30 日内生效，至多有效 400 日，与前一密钥至多重叠 30 日。"


@dataclass(eq=False)
class PartnerKeysOverlap(DomainError):
    """Two keys are good at once then already; the next one can begin when the first of them ends, or is revoked."""

    code = "identity.partner_keys_overlap"
    kind = Kind.CONFLICT
    title_zh = "届时已有两个密钥同时有效；须待前者失效或吊销后，新密钥方可生效。"

    from_: datetime


class PartnerKeyUnknown(DomainError):
    """There is no such key."""

    code = "identity.partner_key_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个密钥。"


class PartnerKeyRevoked(DomainError):
    """This key is revoked already."""

    code = "identity.partner_key_revoked"
    kind = Kind.CONFLICT
    title_zh = "该密钥已吊销。"


class NotAPartner(DomainError):
    """This organisation is not a partner."""

    code = "identity.not_a_partner"
    kind = Kind.CONFLICT
    title_zh = "该机构不是合作方。"


@dataclass(eq=False)
class EventsQuotaReached(DomainError):
    """As many events as you may send on one day (Asia/Shanghai) would be exceeded; nothing of this was taken."""

    code = "identity.events_quota_reached"
    kind = Kind.RATE_LIMITED
    title_zh = "将超过每日（北京时间）事件限额；本次未接收任何事件。"

    events_per_day: int
    events_left: int
    retry_after_s: int

    @property
    def headers(self) -> dict[str, str]:
        """When the next day begins."""
        return {"retry-after": str(self.retry_after_s)}


SIGNATURE_REFUSALS = (
    SignatureMissing,
    SignatureUnreadable,
    SignatureIncomplete,
    SignatureWrong,
    SignatureOutOfTime,
    PartnerKeyNotLive,
    NonceUsed,
    DigestDiffers,
)
