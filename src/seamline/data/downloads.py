"""Fetches a file from the first address that works, resumes what was cut off, and verifies it.

Knows nothing of what the file holds: its MD5 sum, or a check that the caller gives, says whether it is the right one.
"""

import hashlib
import os
import re
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead, responses
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from seamline.errors import DatasetUnavailableError

if sys.platform != "win32":
    import fcntl

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes that are there and the bytes in all (None where the server does not say)."""

Check = Callable[[Path], str]
"""Says in a few words, after 'its file', what is wrong with a file; an empty text where nothing is."""

ATTEMPTS = 3
"""Transfers from one address before the next one is tried."""

PAUSE = 0.5
"""Seconds before the second transfer from an address, and as many more before each further one."""

_CHUNK = 1 << 16


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    check: str | Check,
    progress: Progress | None = None,
    timeout: float = 20.0,
) -> Path:
    """Download a file over HTTP or HTTPS, unless it is there already.

    The bytes go to a half file, `NAME.part` beside the target, which becomes the target when it has passed the check.
    A transfer that is cut off, now or in an earlier call, goes on where it stopped. A second process that wants the
    same file waits for the first one; the operating system ends the wait when the first one ends, however it ends.

    Args:
        urls: addresses of the same file, best first; the next one is tried when one fails.
        target: where the file goes; missing folders are made. An existing file is returned as it is: it was checked
            when it was put there.
        check: 32 hexadecimal digits, the MD5 sum of the whole file; or, where none is published, a `Check`.
        progress: called as bytes arrive, see `Progress`; the count falls back when a transfer starts afresh.
        timeout: seconds, for connecting and for each read.

    Returns:
        The target.

    Raises:
        DatasetUnavailableError: no address gave the right file, or the target cannot be written.
        ValueError: an address is neither HTTP nor HTTPS.
    """
    for url in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"addresses must start with http:// or https://, got {url!r}")
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _half_file(target) as half:
            # Another process may have put the target there while this one waited for the half file.
            if not target.exists():
                _Download(half, target, _of_sum(check) if isinstance(check, str) else check, progress, timeout).fill(
                    urls
                )
                half.replace(target)
    except OSError as error:
        raise DatasetUnavailableError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "free the place, or set SEAMLINE_CACHE to a folder that can be written"
        ) from error
    return target


@contextmanager
def _half_file(target: Path) -> Iterator[Path]:
    """Give the path of the half file of `target`, which nobody else touches inside the block."""
    if sys.platform == "win32":  # no flock there: each call has a half file of its own, and resumes within the call
        with TemporaryDirectory(prefix=target.name, dir=target.parent) as folder:
            yield Path(folder) / f"{target.name}.part"
        return
    half = target.with_name(f"{target.name}.part")
    with _opened_alone(half) as handle:
        try:
            yield half
        finally:
            # An empty half file is of no use later; one with bytes stays, or has been renamed.
            if os.fstat(handle.fileno()).st_size == 0:
                half.unlink(missing_ok=True)


def _opened_alone(path: Path) -> BinaryIO:
    """Open `path`, made if it is missing, and wait until no other process holds it; closing lets it go."""
    while True:
        handle = path.open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Whoever held it before may have renamed or removed it: then the lock is on a file that is not this one.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                    return handle
        except BaseException:
            handle.close()
            raise
        handle.close()


class _FailedError(Exception):
    """A transfer that did not bring the whole file.

    Attributes:
        received: the bytes that it brought all the same; where there are none it is of no use to ask again.
    """

    def __init__(self, reason: str, received: int = 0) -> None:
        super().__init__(reason)
        self.received = received


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens addresses: HTTP and HTTPS alone, so that no redirection leads to a file or to FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


@dataclass(frozen=True)
class _Download:
    """One file on its way: what `fetch` was asked for, and the half file that it fills."""

    half: Path
    target: Path
    check: Check
    progress: Progress | None
    timeout: float

    def fill(self, urls: Sequence[str]) -> None:
        """Fill the half file from the first address that gives the right bytes, or raise an `DatasetUnavailableError`."""
        failures = []
        for url in urls:
            try:
                self._fill_from(url)
            except _FailedError as error:
                failures.append(f"{urlsplit(url).netloc.rpartition('@')[2]}: {error}")
            else:
                return
        raise DatasetUnavailableError(
            f"{self.target.name} could not be downloaded ({'; '.join(failures) or 'no address is known'}); put the "
            f"file into {self.target.parent} yourself"
        )

    def _fill_from(self, url: str) -> None:
        """Fill the half file from one address in a few transfers, or raise a `_FailedError`."""
        if not self._fault():  # an earlier process ended between the last byte and the renaming
            return
        failure = _FailedError("not tried")
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE * attempt)
            try:
                start = self._transfer(url)
            except _FailedError as error:
                if error.received == 0:
                    raise
                if not self._fault():  # the server promised more bytes than the file has
                    return
                failure = error
                continue
            fault = self._fault()
            if not fault:
                return
            # Emptied, so that nothing is ever added to wrong bytes; not removed, because the lock is on this file.
            os.truncate(self.half, 0)
            failure = _FailedError(f"its file {fault}")
            if start == 0:
                break
            # The wrong bytes may be those that were there before: this address gets a clean start.
        raise failure

    def _fault(self) -> str:
        """Return what is wrong with the half file, an empty text where nothing is."""
        return self.check(self.half) if self.half.exists() else "is not there"

    def _transfer(self, url: str) -> int:
        """Bring what the half file lacks, to the length that the server promises.

        Returns:
            The byte with which the transfer started: 0 where the file was brought afresh.
        """
        start = self.half.stat().st_size if self.half.exists() else 0
        response = self._open_rest(url, start) if start else None
        if response is None:
            start, response = 0, self._open(url)
        with response:
            if response.status not in (200, 206) or (response.status == 206 and start == 0):
                raise _FailedError(f"unexpected answer {response.status}")
            if response.status == 200:
                start = 0
            self._receive(response, start)
        return start

    def _open_rest(self, url: str, start: int) -> HTTPResponse | None:
        """Ask for the bytes from `start` on; None where the server's answer does not fit what is there."""
        try:
            response = self._open(url, {"Range": f"bytes={start}-"})
        except _FailedError as error:
            if isinstance(error.__cause__, HTTPError) and error.__cause__.code == 416:  # the file is not that long
                return None
            raise
        if response.status == 206 and _content_range(response)[0] != start:
            response.close()
            return None
        return response

    def _open(self, url: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """Send a request and return the answer, its body unread, or raise a `_FailedError`."""
        request = urllib.request.Request(url, headers={"User-Agent": "seamline"} | (headers or {}))  # noqa: S310 - the opener knows HTTP and HTTPS alone
        try:
            response: HTTPResponse = _opener().open(request, timeout=self.timeout)
        except HTTPError as error:
            error.close()
            raise _FailedError(f"{error.code} {responses.get(error.code, '')}".rstrip()) from error
        except (OSError, HTTPException) as error:
            raise _FailedError(self._in_short(error)) from error
        return response

    def _receive(self, response: HTTPResponse, start: int) -> None:
        """Write the answer's body into the half file from byte `start` on, or raise a `_FailedError`."""
        length = response.length
        total = _content_range(response)[1] if start else None
        if total is None and length is not None:
            total = start + length
        received = 0
        self._tell(start, total)
        with self.half.open("ab" if start else "wb") as file:
            while received != length:
                try:
                    chunk = response.read1(_CHUNK if length is None else min(_CHUNK, length - received))
                except (OSError, HTTPException) as error:
                    raise _FailedError(self._in_short(error), received) from error
                if not chunk:
                    break
                file.write(chunk)
                received += len(chunk)
                self._tell(start + received, total)
        if total is not None and start + received < total:
            raise _FailedError(f"cut off after {start + received:,} of {total:,} bytes", received)

    def _tell(self, done: int, total: int | None) -> None:
        """Report the bytes that are there to whoever asked for it."""
        if self.progress is not None:
            self.progress(self.target.name, done, total)

    def _in_short(self, error: Exception) -> str:
        """Return what went wrong on the way, in a few words on one line."""
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        if isinstance(cause, TimeoutError):
            return f"no answer within {self.timeout:g} s"
        if isinstance(cause, IncompleteRead):
            return "cut off"
        text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        return " ".join(text.split())


def _of_sum(md5: str) -> Check:
    """Return the check of a file's MD5 sum."""

    def check(path: Path) -> str:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return "" if found == md5.lower() else "has a wrong MD5 sum"

    return check


def _content_range(response: HTTPResponse) -> tuple[int | None, int | None]:
    """Return the first byte and the length of the whole file that `Content-Range` states; None for what it does not."""
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", response.headers.get("Content-Range", "").strip())
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])
