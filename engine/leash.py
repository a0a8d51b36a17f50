"""`python -m engine.leash PARENT_PID`: the worker process, tied to its parent before it imports anything heavy.

Importing the worker takes a good part of a second, on a busy machine many. Whoever is killed in that time must not
leave a process behind that nobody knows of.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """On Linux the kernel kills us when the parent dies, even while a C extension holds every thread up."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def main() -> None:
    die_with(int(sys.argv[1]))
    from engine import worker

    worker.main()


if __name__ == "__main__":
    main()
