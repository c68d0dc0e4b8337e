"""Runs the real command in forks of one process that has loaded everything: a start costs milliseconds.

Reads lines of JSON, {"words": […], "seconds": s or null}; runs `otklik` with the words in a fork, kills it by
SIGKILL after `seconds`, and answers {"status": …}: the exit code, or minus the signal. The first run is not
in a fork, so that the later ones find the model loaded.
"""

import json
import os
import signal
import sys
import time

from service import cli


def serve() -> None:
    """Answer until the input ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(null, 1)
    loaded = False
    for line in sys.stdin:
        request = json.loads(line)
        words = request["words"]
        status = run_in_fork(words, request["seconds"]) if loaded else cli.main(words)
        answers.write(json.dumps({"status": status}) + "\n")
        answers.flush()
        loaded = True


def run_in_fork(words: list[str], seconds: float | None) -> int:
    """The exit code of `otklik` with `words`, or minus SIGKILL, which it gets after `seconds`."""
    child = os.fork()
    if child == 0:
        os._exit(cli.main(words))
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)  # harmless to one that has ended: it has not been waited for
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    serve()
