"""Work in forks of this process, to save the import of torch; they can be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable


class Fork:
    """What it says on stderr is not shown."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                work()
                code = 0
            finally:
                os._exit(code)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def is_over(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill_after(self, seconds: float) -> bool:
        """Kill it after some seconds -> whether it was still running."""
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGKILL)
        return self.wait() == -signal.SIGKILL
