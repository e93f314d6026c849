"""Actions in: from partners' files to accepted acts, grams and points.

Holds    sources, mappings, jobs and chunks, and every accepted action with its grams and points.
Promises an act is claimed once on the whole platform; a chunk is stored, posted and noted in one transaction, so
         that a crash leaves whole chunks and the next run goes on behind them; every row of a file is accepted, a
         duplicate, a conflict, rejected with line, field and reason, or left out by name, and nothing else is lost;
         acts of a means that nobody holds wait, and their grams are never pooled.
Ignores  what points buy, and what becomes of pooled grams.
"""

from backend.intake import sealing  # noqa: F401 - its tables are sealed wherever intake is known
from backend.intake.acts import (
    Act,
    Claimed,
    ExplainedAct,
    Sums,
    acts_of,
    claim_waiting,
    explain_act,
    sums_of,
)
from backend.intake.chunks import ChunkResult
from backend.intake.errors import (
    ActUnknown,
    FileUnreadable,
    HeaderMismatch,
    JobRunning,
    MappingNeeded,
    MonthNotOver,
    OutsideProgramme,
    SheetNeeded,
    SourceDiffers,
    SourceUnknown,
    row_reason,
)
from backend.intake.exporting import ExportedFile, export_month
from backend.intake.home import HomeSums, home_of
from backend.intake.mapping import Mapping, mapping_of
from backend.intake.opening import require_programme
from backend.intake.pools import Pooled, pooled_acts
from backend.intake.rehearsing import rehearse
from backend.intake.service import (
    Job,
    RefusedRow,
    Summary,
    ingest,
    list_jobs,
    mapping_for,
    refused_rows,
    summary_of,
)
from backend.intake.sources import Source, list_sources, register_source, source_by_mapping, source_of
from backend.intake.taking import EventAnswer, Taken, take

__all__ = [
    "Act",
    "ActUnknown",
    "ChunkResult",
    "Claimed",
    "EventAnswer",
    "ExplainedAct",
    "ExportedFile",
    "FileUnreadable",
    "HeaderMismatch",
    "HomeSums",
    "Job",
    "JobRunning",
    "Mapping",
    "MappingNeeded",
    "MonthNotOver",
    "OutsideProgramme",
    "Pooled",
    "RefusedRow",
    "SheetNeeded",
    "Source",
    "SourceDiffers",
    "SourceUnknown",
    "Summary",
    "Sums",
    "Taken",
    "acts_of",
    "claim_waiting",
    "explain_act",
    "export_month",
    "home_of",
    "ingest",
    "list_jobs",
    "list_sources",
    "mapping_for",
    "mapping_of",
    "pooled_acts",
    "refused_rows",
    "register_source",
    "rehearse",
    "require_programme",
    "row_reason",
    "source_by_mapping",
    "source_of",
    "summary_of",
    "sums_of",
    "take",
]
