"""PostgreSQL 18 and Valkey in a data folder, run by us from the programs that two wheels ship.

Holds    starting, reusing and stopping them; their accounts, passwords, sockets and configuration.
Promises a server counts as alive only when it answers a query; a command killed in any way leaves servers
         that the next command reuses and, as the last user, stops; two data folders never meet; sockets,
         folders and passwords are readable by their account only; no permission outside the data folder
         is changed; what was committed survives a killed server.
Ignores  tables, roles' grants and migrations, which are the kit's.
"""

from puhui.embedded.errors import (
    DataFolderUnusable,
    NoAccountForServers,
    PasswordsDoNotFit,
    ProgramMissing,
    ServerDidNotStart,
    ServerDidNotStop,
    ServerNotAnswering,
)
from puhui.embedded.lifecycle import Servers, Status, ensure_running, servers, status, stop

__all__ = [
    "DataFolderUnusable",
    "NoAccountForServers",
    "PasswordsDoNotFit",
    "ProgramMissing",
    "ServerDidNotStart",
    "ServerDidNotStop",
    "ServerNotAnswering",
    "Servers",
    "Status",
    "ensure_running",
    "servers",
    "status",
    "stop",
]
