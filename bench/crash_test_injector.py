"""Run `seamline` and kill it with SIGKILL at one of the calls that write files, or count these calls.

    python bench/crash_test_injector.py count|NUMBER:before|NUMBER:half|NUMBER:after ARGUMENT...

The counted calls write, flush, rename or remove a file. `half` first writes half of the bytes if the call writes bytes,
and equals `before` otherwise.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

calls = 0


def wrap(owner: Any, name: str, number: int, moment: str) -> None:
    """Count the calls of `owner.name`, and crash at the call with this number."""
    original = getattr(owner, name)

    def wrapper(*arguments: Any, **options: Any) -> Any:
        global calls
        calls += 1
        is_target = calls == number
        if is_target and moment == "half" and name == "write_bytes":
            path, content = arguments
            original(path, content[: len(content) // 2])
        if is_target and moment != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **options)
        if is_target:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapper)


if __name__ == "__main__":
    crash = sys.argv.pop(1)
    number, _, moment = crash.partition(":")
    for owner, name in ((Path, "write_bytes"), (os, "fsync"), (Path, "replace"), (Path, "unlink"), (os, "unlink")):
        wrap(owner, name, 0 if crash == "count" else int(number), moment)
    from seamline.__main__ import main

    try:
        main()
    finally:
        if crash == "count":
            print(f"calls: {calls}")
