"""PostgreSQL 18 and Valkey in a data folder, run by us from the programs that two wheels ship.

Holds    starting, reusing and stopping them; their accounts, passwords, sockets and configuration.
Promises a server counts as alive only when it answers a query; a command killed in any way leaves servers
         that the next command reuses and, as the last user, stops; two data folders never meet; sockets,
         folders and passwords are readable by their account only; no permission outside the data folder
         is changed; what was committed survives a killed server.
Ignores  tables, roles' grants and migrations, which are the kit's.
"""

from puhui.embedded import backup
from puhui.embedded.errors import (
    BackupFailed,
    BackupIncomplete,
    BackupKeysDoNotFit,
    DataFolderUnusable,
    FolderNotEmpty,
    NoAccountForServers,
    PasswordsDoNotFit,
    ProgramMissing,
    RestoredOtherwise,
    ServerDidNotStart,
    ServerDidNotStop,
    ServerNotAnswering,
)
from puhui.embedded.lifecycle import Servers, Status, alone, databases, ensure_running, servers, status, stop

__all__ = [
    "BackupFailed",
    "BackupIncomplete",
    "BackupKeysDoNotFit",
    "DataFolderUnusable",
    "FolderNotEmpty",
    "NoAccountForServers",
    "PasswordsDoNotFit",
    "ProgramMissing",
    "RestoredOtherwise",
    "ServerDidNotStart",
    "ServerDidNotStop",
    "ServerNotAnswering",
    "Servers",
    "Status",
    "alone",
    "backup",
    "databases",
    "ensure_running",
    "servers",
    "status",
    "stop",
]
