"""Become another user and run a program: `launcher.py UID GID CAPABILITY FOLDER PROGRAM [ARGUMENT…]`.

PostgreSQL refuses to run as root, so root hands its servers to an ordinary account. When that account cannot
reach the data folder (below a private home, say), the program keeps one capability to pass through folders and
read files, so that no permission on the machine has to be changed. CAPABILITY is `none` or a name below.

A script of its own, run with `python -I -S`: forking a process with threads to change its user is not safe.
"""

import ctypes
import os
import sys

CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}
CANNOT_ENTER = 113

_VERSION_3 = 0x20080522
_SET_SECUREBITS = 28
_NO_SETUID_FIXUP = 1 << 2  # else access(2) ignores the capability, and PostgreSQL does not find itself
_CAP_AMBIENT = 47
_CAP_AMBIENT_RAISE = 2


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _keep_only(capability: int) -> None:
    """Hold exactly one capability, and pass it on to the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _checked(libc.capset(header, sets))
    _checked(libc.prctl(_CAP_AMBIENT, _CAP_AMBIENT_RAISE, capability, 0, 0))


def main() -> None:
    """Drop to the account, enter the folder, become the program."""
    uid, gid, capability, folder, *command = sys.argv[1:]
    if capability != "none":
        libc = ctypes.CDLL(None, use_errno=True)
        _checked(libc.prctl(_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setresgid(int(gid), int(gid), int(gid))
    os.setresuid(int(uid), int(uid), int(uid))
    if capability != "none":
        _keep_only(CAPABILITIES[capability])
    os.umask(0o077)
    os.chdir(folder)
    os.execv(command[0], command)  # noqa: S606 - the program is one that our own wheels ship


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.stderr.write(f"launcher: {error}\n")
        sys.exit(CANNOT_ENTER)
