"""`seamline` as it is, but for a counter on the calls that write files: it dies at one of them.

    python bench/crash_test_injector.py count|NUMBER:before|NUMBER:half|NUMBER:after ARGUMENT...

`half` writes half of the bytes first where the call writes bytes, and is `before` elsewhere. The counted calls are
those that bring a file to the disk: writing bytes, flushing, renaming.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

calls = 0


def watch(owner: Any, name: str, number: int, moment: str) -> None:
    """Count the calls of `owner.name`, and die at call `number` of all."""
    original = getattr(owner, name)

    def watched(*words: Any, **options: Any) -> Any:
        global calls
        calls += 1
        mine = calls == number
        if mine and moment == "half" and name == "write_bytes":
            path, content = words
            original(path, content[: len(content) // 2])
        if mine and moment != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*words, **options)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, watched)


if __name__ == "__main__":
    plan = sys.argv.pop(1)
    number, _, moment = plan.partition(":")
    for owner, name in ((Path, "write_bytes"), (os, "fsync"), (Path, "replace"), (Path, "unlink"), (os, "unlink")):
        watch(owner, name, 0 if plan == "count" else int(number), moment)
    from seamline.__main__ import main

    try:
        main()
    finally:
        if plan == "count":
            print(f"calls: {calls}")
