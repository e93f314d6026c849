"""Tasks 任务: something to do in a period, and the points for it.

Holds    who took a task on, who finished it and by which terms, and where that no longer holds.
Promises a period's reward is given once; it is taken back when the acts that finished the task go, and given again when
         others finish it anew; late acts finish the period in which they happened; a task is judged by the terms it was
         finished under, whatever the pack says later.
Ignores  what an act is: it counts days as they were followed.
"""

from backend import log
from backend.engagement.tasks.errors import TaskNotOpen, TaskUnknown
from backend.engagement.tasks.periods import Span, span_of
from backend.engagement.tasks.service import (
    Figures,
    Progress,
    accept,
    figures_of,
    finished,
    follow_touched,
    progress_of,
)

log.register(
    log.Sealed("task_accepted", key=("programme_id", "participant_id", "task", "first")),
    log.Sealed("task_finished", key=("id",)),
    log.Sealed("task_undone", key=("finished_id",)),
)

__all__ = [
    "Figures",
    "Progress",
    "Span",
    "TaskNotOpen",
    "TaskUnknown",
    "accept",
    "figures_of",
    "finished",
    "follow_touched",
    "progress_of",
    "span_of",
]
