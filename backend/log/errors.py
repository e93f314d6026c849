"""Why the log refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class OutsideTheTree(DomainError):
    """The log has no such entry at that size."""

    code = "log.outside_the_tree"
    kind = Kind.NOT_FOUND
    title_zh = "日志在该大小下没有这一条目。"

    index: int
    size: int


@dataclass(eq=False)
class HeadNotTrue(DomainError):
    """A tree head does not match the log and was not stored."""

    code = "log.head_not_true"
    kind = Kind.CONFLICT
    title_zh = "树头与日志不符，未予保存。"


@dataclass(eq=False)
class HeadNotGenuine(DomainError):
    """A tree head is malformed or not signed by the expected key."""

    code = "log.head_not_genuine"
    kind = Kind.INVALID
    title_zh = "树头格式有误，或不是由应有的密钥签署。"

    reason: str


@dataclass(eq=False)
class SigningKeyChanged(DomainError):
    """The log was signed with another key under this name; set the master key that it began with."""

    code = "log.signing_key_changed"
    kind = Kind.CONFLICT
    title_zh = "该日志此前以另一密钥签署；请设回最初的主密钥。"


@dataclass(eq=False)
class SealOutOfOrder(DomainError):
    """A block does not continue the seals of its table; another process was first, or the log says otherwise."""

    code = "log.seal_out_of_order"
    kind = Kind.UNAVAILABLE
    title_zh = "封存块未能接续该表已有的封存；可能另一进程已先行封存。"


@dataclass(eq=False)
class NotSealable(DomainError):
    """A table cannot be sealed as it is described: a column is missing or its text depends on settings."""

    code = "log.not_sealable"
    kind = Kind.INVALID
    title_zh = "该表无法按所述方式封存：缺少列，或列的文本取决于会话设置。"

    table: str
    column: str


@dataclass(eq=False)
class ServerWentBack(DomainError):
    """The server counts its transactions from below the last seal, as after a restore from a dump; move its counter on with pg_resetwal before anything is written."""

    code = "log.server_went_back"
    kind = Kind.CONFLICT
    title_zh = "服务器的事务号低于最近一次封存（例如从转储恢复之后）；写入前须先用 pg_resetwal 推进事务号。"

    sealed_below: int
    server_at: int


@dataclass(eq=False)
class SigningKeyRetired(DomainError):
    """The key that signed has a successor meanwhile; sign again with that."""

    code = "log.signing_key_retired"
    kind = Kind.UNAVAILABLE
    title_zh = "签名所用密钥已有后继；请以新密钥重签。"


name_sqlstate("LG001", lambda _: HeadNotTrue())
name_sqlstate("LG002", lambda _: SealOutOfOrder())
name_sqlstate("LG003", lambda _: SigningKeyChanged())
name_sqlstate("LG004", lambda _: SigningKeyRetired())
