"""What can be refused about batches, their verification and their issuance."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ProjectUnknown(DomainError):
    """There is no such project."""

    code = "certification.project_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个项目。"


@dataclass(eq=False)
class BatchUnknown(DomainError):
    """There is no such batch."""

    code = "certification.batch_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个核证批次。"


@dataclass(eq=False)
class NotTheOperator(DomainError):
    """Only staff of the operator whose project this is may do this."""

    code = "certification.not_the_operator"
    kind = Kind.FORBIDDEN
    title_zh = "只有该项目运营方的员工可以办理。"


@dataclass(eq=False)
class PeriodInvalid(DomainError):
    """A monitoring period runs from a month to the same or a later one of one year."""

    code = "certification.period_invalid"
    kind = Kind.INVALID
    title_zh = "监测期须为同一年份内的起止月份。"


@dataclass(eq=False)
class PeriodNotOver(DomainError):
    """The last month of the monitoring period is not over yet."""

    code = "certification.period_not_over"
    kind = Kind.CONFLICT
    title_zh = "监测期的最后一个月尚未结束。"

    last_month: str


@dataclass(eq=False)
class ActWithdrawn(DomainError):
    """The act was withdrawn since it was frozen; it keeps nothing."""

    code = "certification.act_withdrawn"
    kind = Kind.CONFLICT
    title_zh = "该行为在冻结后已被撤回,不保留任何减排量。"


@dataclass(eq=False)
class BatchOpen(DomainError):
    """The series has a batch that is not issued yet; the next one follows it."""

    code = "certification.batch_open"
    kind = Kind.CONFLICT
    title_zh = "该系列尚有未签发的批次，签发后方可关闭下一监测期。"

    batch: str


@dataclass(eq=False)
class NothingToFreeze(DomainError):
    """No act of these months waits in the pools."""

    code = "certification.nothing_to_freeze"
    kind = Kind.CONFLICT
    title_zh = "减排量池中没有这些月份待核证的行为。"


@dataclass(eq=False)
class PoolsDiffer(DomainError):
    """The pools do not hold what their acts say; the audit names the difference."""

    code = "certification.pools_differ"
    kind = Kind.CONFLICT
    title_zh = "减排量池与其行为不符，审计会指出差异。"

    account: str


@dataclass(eq=False)
class ReportNotCertified(DomainError):
    """The operator has not certified the monitoring report yet."""

    code = "certification.report_not_certified"
    kind = Kind.CONFLICT
    title_zh = "运营方尚未确认监测报告。"


@dataclass(eq=False)
class ReportCertifiedAlready(DomainError):
    """The monitoring report is certified already."""

    code = "certification.report_certified_already"
    kind = Kind.CONFLICT
    title_zh = "监测报告已经确认。"


@dataclass(eq=False)
class BodyUnsuitable(DomainError):
    """Who verifies is a verification body, and neither the operator nor the organisation that assigns it."""

    code = "certification.body_unsuitable"
    kind = Kind.INVALID
    title_zh = "核查方须为核查机构，且不得是运营方或指派方自身。"


@dataclass(eq=False)
class VerificationBegun(DomainError):
    """The verification body has begun; another cannot be assigned any more."""

    code = "certification.verification_begun"
    kind = Kind.CONFLICT
    title_zh = "核查已经开始，不能再更换核查机构。"


@dataclass(eq=False)
class ActNotInBatch(DomainError):
    """The batch has no act at this position."""

    code = "certification.act_not_in_batch"
    kind = Kind.NOT_FOUND
    title_zh = "该批次在此位置没有行为。"


@dataclass(eq=False)
class KeepsTooMuch(DomainError):
    """An act keeps at most the grams that it was frozen with."""

    code = "certification.keeps_too_much"
    kind = Kind.INVALID
    title_zh = "保留的减排量不得超过冻结时的减排量。"

    frozen_g: int


@dataclass(eq=False)
class StatementMissing(DomainError):
    """There is no verification statement yet."""

    code = "certification.statement_missing"
    kind = Kind.CONFLICT
    title_zh = "尚无核查声明。"


@dataclass(eq=False)
class SampleMissing(DomainError):
    """A verification statement rests on a sample, and none was drawn."""

    code = "certification.sample_missing"
    kind = Kind.CONFLICT
    title_zh = "核查声明须以抽样为据，尚未抽样。"


@dataclass(eq=False)
class StatementSuperseded(DomainError):
    """A newer verification statement was made since; propose the issuance again."""

    code = "certification.statement_superseded"
    kind = Kind.CONFLICT
    title_zh = "提案之后已有新的核查声明，请重新提出签发。"


@dataclass(eq=False)
class NotIssuedYet(DomainError):
    """Nothing of this batch is issued yet."""

    code = "certification.not_issued_yet"
    kind = Kind.NOT_FOUND
    title_zh = "该批次尚未签发。"


@dataclass(eq=False)
class IssuedAlready(DomainError):
    """The batch is issued, and nothing about it changes any more."""

    code = "certification.issued_already"
    kind = Kind.CONFLICT
    title_zh = "该批次已签发，不再变更。"


@dataclass(eq=False)
class NotIndependent(DomainError):
    """Staff of the operator or of the verification body do not decide about issuance."""

    code = "certification.not_independent"
    kind = Kind.FORBIDDEN
    title_zh = "运营方或核查机构的员工不得参与签发决定。"


@dataclass(eq=False)
class MethodologyNotFiled(DomainError):
    """A methodology that the batch rests on is not filed for the region and day of its acts."""

    code = "certification.methodology_not_filed"
    kind = Kind.CONFLICT
    title_zh = "批次所依据的方法学在行为发生的地区和日期未备案。"

    pack_sha256: str
    region: str
    day: str


@dataclass(eq=False)
class SerialUnknown(DomainError):
    """No credit with this serial number was issued."""

    code = "certification.serial_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有签发过这个编号。"


@dataclass(eq=False)
class SerialMisprinted(DomainError):
    """This is not a serial number as they are printed here."""

    code = "certification.serial_misprinted"
    kind = Kind.INVALID
    title_zh = "这不是本平台的编号格式。"


@dataclass(eq=False)
class NotFrozenYet(DomainError):
    """The act is in no batch yet, so there is no receipt."""

    code = "certification.not_frozen_yet"
    kind = Kind.CONFLICT
    title_zh = "该行为尚未进入核证批次，暂无凭证。"


@dataclass(eq=False)
class HeadNotSigned(DomainError):
    """The log has not been signed since; its head is signed within the hour."""

    code = "certification.head_not_signed"
    kind = Kind.CONFLICT
    title_zh = "日志尚未签名，一小时内会签出新的树头，请稍后再来。"
