"""Run a program that ends when its parent does: `guard.py PARENT_PID PROGRAM [ARGUMENT…]`.

Linux sends SIGTERM to the program when the parent dies, however it dies; elsewhere this only runs the program.
"""

import ctypes
import os
import signal
import sys

_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, make sure that the parent was not faster, become the program."""
    parent, *command = sys.argv[1:]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - our own command line


if __name__ == "__main__":
    main()
