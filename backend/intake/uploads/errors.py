"""What may be wrong with an upload or a job, as the partner is told."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


class UploadUnknown(DomainError):
    """You have no such upload."""

    code = "intake.upload_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "您没有这一上传文件。"


class UploadJobUnknown(DomainError):
    """You have no such job."""

    code = "intake.upload_job_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "您没有这一任务。"


class UploadEmpty(DomainError):
    """The file is empty."""

    code = "intake.upload_empty"
    kind = Kind.INVALID
    title_zh = "文件为空。"


@dataclass(eq=False)
class UploadTooLarge(DomainError):
    """The file is larger than one upload may be; send it in parts."""

    code = "intake.upload_too_large"
    kind = Kind.TOO_LARGE
    title_zh = "文件超过单次上传的上限，请分成几个文件。"

    limit_bytes: int


@dataclass(eq=False)
class UploadTypeDiffers(DomainError):
    """The source's files are of another type."""

    code = "intake.upload_type_differs"
    kind = Kind.INVALID
    title_zh = "该数据来源的文件为另一类型。"

    expected: str


@dataclass(eq=False)
class UploadsTooMany(DomainError):
    """Too many files wait or are kept already; they go some time after their jobs ended."""

    code = "intake.uploads_too_many"
    kind = Kind.CONFLICT
    title_zh = "等待或保留中的文件过多；任务结束一段时间后文件会被删除。"

    most: int


class UploadGone(DomainError):
    """The file was removed some time after its last job ended; send it again."""

    code = "intake.upload_gone"
    kind = Kind.GONE
    title_zh = "文件在任务结束一段时间后已删除，请重新上传。"


class NoRoomForUpload(DomainError):
    """There is no room for the file now; try again later."""

    code = "intake.no_room_for_upload"
    kind = Kind.UNAVAILABLE
    title_zh = "暂无空间保存该文件，请稍后重试。"


class TrialTooLong(DomainError):
    """The file is too long to be tried at once; try a part of it."""

    code = "intake.trial_too_long"
    kind = Kind.INVALID
    title_zh = "文件过长，无法一次试算完，请先试其中一部分。"


@dataclass(eq=False)
class UploadJobIs(DomainError):
    """The job is in a state in which this cannot be done."""

    code = "intake.upload_job_is"
    kind = Kind.CONFLICT
    title_zh = "任务当前的状态不允许此操作。"

    state: str
