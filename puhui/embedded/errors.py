"""What can go wrong with the embedded servers."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ProgramMissing(DomainError):
    """A server program is not installed, or there is none for this kind of machine."""

    code = "embedded.program_missing"
    kind = Kind.UNAVAILABLE
    title_zh = "缺少服务器程序，或没有适用于本机的版本。"

    program: str


@dataclass(eq=False)
class DataFolderUnusable(DomainError):
    """The data folder cannot be used by this account; choose another with PUHUI_DATA_DIR."""

    code = "embedded.data_folder_unusable"
    kind = Kind.UNAVAILABLE
    title_zh = "当前账户无法使用该数据目录；可用 PUHUI_DATA_DIR 另选一个。"

    folder: str
    reason: str


@dataclass(eq=False)
class NoAccountForServers(DomainError):
    """PostgreSQL does not run as root, and no other account can reach its files; run as an ordinary user, or put the data folder and the virtual environment where others may enter."""

    code = "embedded.no_account"
    kind = Kind.UNAVAILABLE
    title_zh = "PostgreSQL 不能以 root 运行，而其他账户又到不了它的文件；请改用普通用户运行，或把数据目录和虚拟环境放在其他账户可进入的位置。"

    account: str
    reason: str


@dataclass(eq=False)
class ServerDidNotStart(DomainError):
    """A server did not start; its log says why."""

    code = "embedded.server_did_not_start"
    kind = Kind.UNAVAILABLE
    title_zh = "服务器未能启动，原因见其日志。"

    server: str
    log: str
    reason: str


@dataclass(eq=False)
class ServerNotAnswering(DomainError):
    """A server process exists but does not answer."""

    code = "embedded.server_not_answering"
    kind = Kind.UNAVAILABLE
    title_zh = "服务器进程存在，但没有应答。"

    server: str
    pid: int


@dataclass(eq=False)
class ServerDidNotStop(DomainError):
    """A server did not stop in time; its log says why."""

    code = "embedded.server_did_not_stop"
    kind = Kind.UNAVAILABLE
    title_zh = "服务器未能按时停止，原因见其日志。"

    server: str
    log: str


@dataclass(eq=False)
class PasswordsDoNotFit(DomainError):
    """The server refuses the passwords kept in the data folder."""

    code = "embedded.passwords_do_not_fit"
    kind = Kind.CONFLICT
    title_zh = "服务器不接受数据目录中保存的密码。"

    server: str
    folder: str


@dataclass(eq=False)
class BackupIncomplete(DomainError):
    """The backup is torn or was changed, and nothing of it was used; take another one."""

    code = "embedded.backup_incomplete"
    kind = Kind.INVALID
    title_zh = "备份残缺或已被改动，未予使用；请换用另一份备份。"

    folder: str
    reason: str


@dataclass(eq=False)
class BackupKeysDoNotFit(DomainError):
    """The backup was not made with these keys, or its manifest was changed."""

    code = "embedded.backup_keys_do_not_fit"
    kind = Kind.INVALID
    title_zh = "备份不是以这些密钥制作的，或其清单已被改动。"

    folder: str


@dataclass(eq=False)
class BackupFailed(DomainError):
    """The database could not be copied; what was begun is removed."""

    code = "embedded.backup_failed"
    kind = Kind.UNAVAILABLE
    title_zh = "数据库未能复制，已开始的部分已删除。"

    reason: str


@dataclass(eq=False)
class FolderNotEmpty(DomainError):
    """The folder holds something already; name a new one."""

    code = "embedded.folder_not_empty"
    kind = Kind.CONFLICT
    title_zh = "该目录已有内容；请另取一个新的。"

    folder: str


@dataclass(eq=False)
class RestoredOtherwise(DomainError):
    """What was restored does not hold the signed head that was backed up."""

    code = "embedded.restored_otherwise"
    kind = Kind.CONFLICT
    title_zh = "恢复所得与备份时签署的树头不符。"

    database: str
