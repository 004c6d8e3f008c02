"""Download files: try several addresses, resume interrupted transfers, and verify the result."""

import hashlib
import re
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead, responses
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from seamline.errors import DatasetUnavailableError
from seamline.io import file_lock

Progress = Callable[[str, int, int | None], None]
"""Called with the file name, the bytes done and the total (None where the server does not send it)."""

Check = Callable[[Path], str]
"""Returns what is wrong with a file, in a few words after 'its file'; an empty text for a valid file."""

ATTEMPTS = 3
"""Transfers from an address before the next one is tried."""

PAUSE = 0.5
"""Seconds before the second transfer from an address; twice as many before the third, and so on."""

_CHUNK = 1 << 16


def fetch(
    urls: Sequence[str],
    target: Path,
    *,
    check: str | Check,
    progress: Progress | None = None,
    timeout: float = 20.0,
) -> Path:
    """Download a file over HTTP or HTTPS, unless it exists.

    Bytes are written to `NAME.part` beside the target, which is renamed once it passes the check. A transfer that was
    interrupted, now or in an earlier call, resumes where it stopped. A second process that downloads into the
    same folder waits for the first one to end, except on Windows.

    Args:
        urls: addresses of the file, best first; the next one is tried when one fails.
        target: path of the file; missing folders are created. An existing file is not checked again.
        check: MD5 sum of the file, 32 hexadecimal digits; or a `Check` where none is published.
        progress: called as bytes arrive, see `Progress`; the number of bytes falls when a transfer restarts.
        timeout: seconds to wait for a server, for connecting and for each read.

    Returns:
        The target.

    Raises:
        DatasetUnavailableError: no address provides a valid file, or the target cannot be written.
        ValueError: an address is not HTTP or HTTPS.
    """
    for url in urls:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"addresses must start with http:// or https://, got {url!r}")
    if target.exists():
        return target
    try:
        with file_lock(target.parent, wait=True):
            if not target.exists():  # another process may have created it while this one waited
                check = _md5_check(check) if isinstance(check, str) else check
                _Download(target, check, progress, timeout).fetch_any(urls)
    except OSError as error:
        raise DatasetUnavailableError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "free disk space, or set SEAMLINE_CACHE to a writable folder"
        ) from error
    return target


class _TransferError(Exception):
    """A transfer that did not complete the file; if no byte arrived, the address is not tried again."""

    def __init__(self, reason: str, received: int = 0) -> None:
        super().__init__(reason)
        self.received = received


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for HTTP and HTTPS only, so that no redirect leads to a local file or to FTP."""
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
    """A download in progress: the arguments of `fetch`."""

    target: Path
    check: Check
    progress: Progress | None
    timeout: float

    @property
    def partial(self) -> Path:
        """The partial file."""
        return self.target.with_name(f"{self.target.name}.part")

    def fetch_any(self, urls: Sequence[str]) -> None:
        """Create the target from the first address that works, or raise a `DatasetUnavailableError`."""
        failures = []
        for url in urls:
            try:
                self._fetch_from(url)
            except _TransferError as error:
                failures.append(f"{urlsplit(url).netloc.rpartition('@')[2]}: {error}")
            else:
                self.partial.replace(self.target)
                return
        raise DatasetUnavailableError(
            f"{self.target.name} could not be downloaded ({'; '.join(failures) or 'no address is known'}); put the "
            f"file into {self.target.parent}"
        )

    def _fetch_from(self, url: str) -> None:
        """Complete the partial file from one address in a few transfers, or raise a `_TransferError`."""
        if not self._problem():  # an earlier process ended before renaming the file
            return
        failure = _TransferError("not tried")
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE * attempt)
            try:
                start = self._transfer(url)
            except _TransferError as error:
                if error.received == 0:
                    raise
                if not self._problem():  # the server announced more bytes than the file has
                    return
                failure = error
                continue
            problem = self._problem()
            if not problem:
                return
            self.partial.unlink()
            failure = _TransferError(f"its file {problem}")
            if start == 0:
                break
            # Else the invalid bytes may be those of an earlier transfer, so the address is tried from the start.
        raise failure

    def _problem(self) -> str:
        """Return what is wrong with the partial file; an empty text for a valid file."""
        return self.check(self.partial) if self.partial.exists() else "does not exist"

    def _transfer(self, url: str) -> int:
        """Receive the rest of the file, to the length that the server announces.

        Returns:
            The position at which the transfer started; 0 for the whole file.
        """
        start = self.partial.stat().st_size if self.partial.exists() else 0
        response = self._open_rest(url, start) if start else None
        if response is None:
            start, response = 0, self._open(url)
        with response:
            if response.status not in (200, 206) or (response.status == 206 and start == 0):
                raise _TransferError(f"unexpected status {response.status}")
            if response.status == 200:
                start = 0
            self._receive(response, start)
        return start

    def _open_rest(self, url: str, start: int) -> HTTPResponse | None:
        """Request the bytes from `start` on; None if the response does not continue the partial file."""
        try:
            response = self._open(url, {"Range": f"bytes={start}-"})
        except _TransferError as error:
            if isinstance(error.__cause__, HTTPError) and error.__cause__.code == 416:  # the file is shorter
                return None
            raise
        if response.status == 206 and _content_range(response)[0] != start:
            response.close()
            return None
        return response

    def _open(self, url: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """Send a request and return the response with its body unread, or raise a `_TransferError`."""
        headers = {"User-Agent": "seamline"} | (headers or {})
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the opener supports HTTP and HTTPS only
        try:
            response: HTTPResponse = _opener().open(request, timeout=self.timeout)
        except HTTPError as error:
            error.close()
            raise _TransferError(f"{error.code} {responses.get(error.code, '')}".rstrip()) from error
        except (OSError, HTTPException) as error:
            raise _TransferError(self._describe(error)) from error
        return response

    def _receive(self, response: HTTPResponse, start: int) -> None:
        """Write the response's body to the partial file from position `start` on, or raise a `_TransferError`."""
        length = response.length
        total = _content_range(response)[1] if start else None
        if total is None and length is not None:
            total = start + length
        received = 0
        self._report(start, total)
        with self.partial.open("ab" if start else "wb") as file:
            while received != length:
                try:
                    chunk = response.read1(_CHUNK if length is None else min(_CHUNK, length - received))
                except (OSError, HTTPException) as error:
                    raise _TransferError(self._describe(error), received) from error
                if not chunk:
                    break
                file.write(chunk)
                received += len(chunk)
                self._report(start + received, total)
        if total is not None and start + received < total:
            raise _TransferError(f"cut off after {start + received:,} of {total:,} bytes", received)

    def _report(self, done: int, total: int | None) -> None:
        """Report the number of bytes."""
        if self.progress is not None:
            self.progress(self.target.name, done, total)

    def _describe(self, error: Exception) -> str:
        """Return the cause of a failed transfer in a few words on one line."""
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        if isinstance(cause, TimeoutError):
            return f"no response within {self.timeout:g} s"
        if isinstance(cause, IncompleteRead):
            return "cut off"
        text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        return " ".join(text.split())


def _md5_check(md5: str) -> Check:
    """Return a check of a file's MD5 sum."""

    def check(path: Path) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return "" if digest == md5.lower() else "has a wrong MD5 checksum"

    return check


def _content_range(response: HTTPResponse) -> tuple[int | None, int | None]:
    """Return the position and the length of the whole file in `Content-Range`; None where they are missing."""
    match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", response.headers.get("Content-Range", "").strip())
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])
