"""Files that partners send, and the jobs that take them in.

Holds    uploads with their digests, the jobs asked for, what became of each step by step, and that a file was removed.
Promises a file is taken in once, however often it is sent or asked for, and wherever a process dies in the middle;
         cancelling stops a job between two chunks, what was committed stays, and resuming goes on behind it; a trial
         stores nothing of the file; a file is removed some time after its last job ended, and its facts stay.
Ignores  what rows mean: that is the intake's; and HTTP.
"""

from backend.intake.uploads.errors import (
    NoRoomForUpload,
    UploadEmpty,
    UploadGone,
    UploadJobIs,
    UploadJobUnknown,
    UploadsTooMany,
    UploadTooLarge,
    UploadTypeDiffers,
    UploadUnknown,
)
from backend.intake.uploads.files import MOST_BYTES, Received, path_of, receive, remove
from backend.intake.uploads.model import Counts, State, Upload, UploadJob
from backend.intake.uploads.service import (
    MOST_KEPT,
    TASK,
    Sender,
    cancel,
    job_of,
    jobs_of,
    list_uploads,
    new_id,
    real_job,
    record,
    rejected,
    require_room,
    resume,
    start,
    upload_of,
)

__all__ = [
    "MOST_BYTES",
    "MOST_KEPT",
    "TASK",
    "Counts",
    "NoRoomForUpload",
    "Received",
    "Sender",
    "State",
    "Upload",
    "UploadEmpty",
    "UploadGone",
    "UploadJob",
    "UploadJobIs",
    "UploadJobUnknown",
    "UploadTooLarge",
    "UploadTypeDiffers",
    "UploadUnknown",
    "UploadsTooMany",
    "cancel",
    "job_of",
    "jobs_of",
    "list_uploads",
    "new_id",
    "path_of",
    "real_job",
    "receive",
    "record",
    "rejected",
    "remove",
    "require_room",
    "resume",
    "start",
    "upload_of",
]
