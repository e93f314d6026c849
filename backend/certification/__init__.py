"""From pooled grams to issued credits (核证与签发).

Holds    closed monitoring periods as batches, their leaves in one fixed order, the upper nodes of the frozen and of every
         certified tree, reports, assignments, samples, findings, statements and issuances; the proofs that rest on them.
Promises an act is in at most one batch; what is frozen, certified, verified and issued is logged in the transaction that
         does it; nothing here is ever changed, a statement is superseded by a further one until the batch is issued;
         two people of the operator stand behind a report, a body that is not the operator behind a statement, two people
         of the authority who work for neither behind an issuance; credits are whole tonnes, and what is left over
         opens the next batch of the same project, methodology and vintage year;
         an act that is withdrawn later is made good by the next batches (`shortfalls`);
         what rests on a demonstration has demonstration serials.
Ignores  what credits are traded or surrendered for, and who rode.
"""

from backend.certification import (
    sealing,  # noqa: F401 - its tables are sealed wherever certification is known
    shortfalls,
)
from backend.certification.errors import (
    ActNotInBatch,
    ActWithdrawn,
    BatchOpen,
    BatchUnknown,
    BodyUnsuitable,
    HeadNotSigned,
    IssuedAlready,
    KeepsTooMuch,
    MethodologyNotFiled,
    NotFrozenYet,
    NothingToFreeze,
    NotIndependent,
    NotIssuedYet,
    NotTheOperator,
    PeriodInvalid,
    PeriodNotOver,
    PoolsDiffer,
    ProjectUnknown,
    ReportCertifiedAlready,
    ReportNotCertified,
    SampleMissing,
    SerialMisprinted,
    SerialUnknown,
    StatementMissing,
    StatementSuperseded,
    VerificationBegun,
)
from backend.certification.evidence import Evidence, evidence
from backend.certification.freezing import close_period
from backend.certification.issuing import (
    ISSUANCE,
    approve_issuance,
    open_issuances,
    propose_issuance,
    reject_issuance,
)
from backend.certification.model import (
    Assurance,
    Batch,
    Draw,
    Finding,
    FindingReason,
    Issuance,
    OpenPool,
    Projection,
    Report,
    Sample,
    Series,
    Stage,
    Statement,
)
from backend.certification.printed import Printed, book_of, parse_serial, print_serial
from backend.certification.reading import (
    Project,
    batch,
    batches,
    following,
    holdings,
    issuance,
    issuance_of,
    open_pools,
    project_of,
    series,
)
from backend.certification.receipts import ActReceipt, receipt, serial_proof
from backend.certification.reporting import (
    REPORT,
    certify_report,
    open_reports,
    propose_report,
    reject_report,
    report,
)
from backend.certification.sumtree.tonnes import DeductionExceedsVerified
from backend.certification.verifying import (
    assign_body,
    draw_sample,
    findings,
    issue_statement,
    projection,
    record_finding,
    samples,
    statement,
    statements,
)

KINDS = (REPORT, ISSUANCE)

__all__ = [
    "ISSUANCE",
    "KINDS",
    "REPORT",
    "ActNotInBatch",
    "ActReceipt",
    "ActWithdrawn",
    "Assurance",
    "Batch",
    "BatchOpen",
    "BatchUnknown",
    "BodyUnsuitable",
    "DeductionExceedsVerified",
    "Draw",
    "Evidence",
    "Finding",
    "FindingReason",
    "HeadNotSigned",
    "Issuance",
    "IssuedAlready",
    "KeepsTooMuch",
    "MethodologyNotFiled",
    "NotFrozenYet",
    "NotIndependent",
    "NotIssuedYet",
    "NotTheOperator",
    "NothingToFreeze",
    "OpenPool",
    "PeriodInvalid",
    "PeriodNotOver",
    "PoolsDiffer",
    "Printed",
    "Project",
    "ProjectUnknown",
    "Projection",
    "Report",
    "ReportCertifiedAlready",
    "ReportNotCertified",
    "Sample",
    "SampleMissing",
    "SerialMisprinted",
    "SerialUnknown",
    "Series",
    "Stage",
    "Statement",
    "StatementMissing",
    "StatementSuperseded",
    "VerificationBegun",
    "approve_issuance",
    "assign_body",
    "batch",
    "batches",
    "book_of",
    "certify_report",
    "close_period",
    "draw_sample",
    "evidence",
    "findings",
    "following",
    "holdings",
    "issuance",
    "issuance_of",
    "issue_statement",
    "open_issuances",
    "open_pools",
    "open_reports",
    "parse_serial",
    "print_serial",
    "project_of",
    "projection",
    "propose_issuance",
    "propose_report",
    "receipt",
    "record_finding",
    "reject_issuance",
    "reject_report",
    "report",
    "samples",
    "serial_proof",
    "series",
    "shortfalls",
    "statement",
    "statements",
]
