"""Partners as callers: their keys, the signatures of their requests, and how much they may send.

Holds    public keys that two of a partner's people agreed to, revocations, quotas, nonces for as long as they matter, and
         what was sent today.
Promises a signature is taken once and within five minutes of its making; never more than two keys of a partner are good
         at once, and a replaced one ends within 30 days; a revoked key is refused from the next request on; events of a
         day are counted exactly, however many batches arrive at once.
Ignores  what partners send, and HTTP: `partner_api` turns a request into a `Message`.
"""

from backend import log
from backend.identity.partners import signatures
from backend.identity.partners.calling import authenticate, forget_nonces, forget_usage
from backend.identity.partners.errors import (
    SIGNATURE_REFUSALS,
    DigestDiffers,
    EventsQuotaReached,
    NonceUsed,
    NotAPartner,
    NotSandboxKey,
    PartnerKeyNotLive,
    PartnerKeyRevoked,
    PartnerKeysOverlap,
    PartnerKeyTaken,
    PartnerKeyTimes,
    PartnerKeyUnknown,
    PartnerKeyUnsound,
    SandboxKey,
    SignatureIncomplete,
    SignatureMissing,
    SignatureOutOfTime,
    SignatureUnreadable,
    SignatureWrong,
)
from backend.identity.partners.quotas import (
    DEFAULT,
    forget_sandbox_usage,
    give_back,
    quota_of,
    quotas_set,
    set_quota,
    spend,
    until_tomorrow_s,
    usage_of,
)
from backend.identity.partners.service import (
    KINDS,
    approve_key,
    key,
    keys_of,
    open_proposals,
    propose_key,
    reject_key,
    revoke_key,
    written_key,
)
from backend.identity.partners.signatures import Message
from backend.identity.partners.tables import CallingPartner, PartnerKey, Quota, QuotaSet, Usage

log.register(
    log.Sealed("partner_key", key=("id",)),
    log.Sealed("partner_key_revoked", key=("key_id",)),
    log.Sealed("partner_quota", key=("id",)),
)

__all__ = [
    "DEFAULT",
    "KINDS",
    "SIGNATURE_REFUSALS",
    "CallingPartner",
    "DigestDiffers",
    "EventsQuotaReached",
    "Message",
    "NonceUsed",
    "NotAPartner",
    "NotSandboxKey",
    "PartnerKey",
    "PartnerKeyNotLive",
    "PartnerKeyRevoked",
    "PartnerKeyTaken",
    "PartnerKeyTimes",
    "PartnerKeyUnknown",
    "PartnerKeyUnsound",
    "PartnerKeysOverlap",
    "Quota",
    "QuotaSet",
    "SandboxKey",
    "SignatureIncomplete",
    "SignatureMissing",
    "SignatureOutOfTime",
    "SignatureUnreadable",
    "SignatureWrong",
    "Usage",
    "approve_key",
    "authenticate",
    "forget_nonces",
    "forget_sandbox_usage",
    "forget_usage",
    "give_back",
    "key",
    "keys_of",
    "open_proposals",
    "propose_key",
    "quota_of",
    "quotas_set",
    "reject_key",
    "revoke_key",
    "set_quota",
    "signatures",
    "spend",
    "until_tomorrow_s",
    "usage_of",
    "written_key",
]
