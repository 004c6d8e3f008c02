"""The files of `onnxruntime-web`, which runs models in browsers: from npm or a folder, verified by their checksums.

The wheel does not contain them. They are fetched once into the cache.
"""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from seamline.errors import SeamlineError
from seamline.io import cache_dir, sha256_file, write_bytes

VERSION = "1.30.0"
"""Version of the package, which supports the opset of exported files."""

CHECKSUMS = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    "ort.webgpu.min.mjs": "3dffff71811bc13a3a3d9591c57ca5ee5735b8f5f3eaf789510b02bb040ae3a0",
    "ort-wasm-simd-threaded.asyncify.mjs": "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28",
    "ort-wasm-simd-threaded.asyncify.wasm": "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""File in the package's folder `dist` -> 64 hexadecimal digits of its SHA-256: for WebAssembly, then for WebGPU."""

LICENSES = ("LICENSE", "ThirdPartyNotices.txt")
"""Files of the installed package `onnxruntime`, which is of the same project; npm's package has none."""

_PLACES = (".", "dist", "package/dist", "onnxruntime-web/dist", "node_modules/onnxruntime-web/dist")
_NPM_SECONDS = 600
_GIVE_FOLDER = (
    f"or name a folder with onnxruntime-web {VERSION} by --runtime (`npm pack onnxruntime-web@{VERSION}` on another "
    "machine, unpacked)"
)


def find_runtime(folder: Path | None = None, report: Callable[[str], None] = lambda text: None) -> Path:
    """Return a folder with the files of `CHECKSUMS`, all verified.

    Args:
        folder: a folder with the npm package, unpacked or installed; None takes the cache, which npm fills once.
        report: called with a line before npm starts.

    Raises:
        SeamlineError: a file is missing or has another checksum, or npm is missing or fails.
    """
    if folder is not None:
        place = next(
            (folder / place for place in _PLACES if (folder / place / next(iter(CHECKSUMS))).is_file()), folder
        )
        if problem := _problem(place):
            raise SeamlineError(f"--runtime {folder}: {problem}; give onnxruntime-web {VERSION} as npm has it")
        return place
    cache = cache_dir() / f"onnxruntime-web-{VERSION}"
    if _problem(cache):
        report(f"fetching onnxruntime-web {VERSION} with npm (33 MB, once)")
        _fetch(cache)
    return cache


def license_files() -> tuple[Path, ...]:
    """Return the licenses of ONNX Runtime and its parts.

    Raises:
        SeamlineError: they are not where the package `onnxruntime` has them.
    """
    spec = find_spec("onnxruntime")
    places = spec.submodule_search_locations if spec else None
    files = tuple(Path(place) / name for place in places or () for name in LICENSES)
    if not files or not all(file.is_file() for file in files):
        raise SeamlineError(
            "--web: the installed onnxruntime has no license files; pip install --force-reinstall onnxruntime"
        )
    return files


def _problem(folder: Path) -> str:
    """Return what is wrong with a folder of the runtime, in a few words; an empty text for a valid one."""
    for name, digits in CHECKSUMS.items():
        if not (folder / name).is_file():
            return f"{name} is missing"
        if sha256_file(folder / name) != digits:
            return f"{name} does not match its checksum"
    return ""


def _fetch(cache: Path) -> None:
    """Download the package with npm, and extract its files into the cache."""
    npm = shutil.which("npm")
    if npm is None:
        raise SeamlineError(f"--web: needs npm to fetch onnxruntime-web {VERSION}; install npm, {_GIVE_FOLDER}")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--pack-destination", folder]
        command += ["--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"]
        try:
            done = subprocess.run(  # noqa: S603 - no shell, a fixed command
                command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_NPM_SECONDS, check=False
            )
            reason = done.stderr if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
        archive = next(Path(folder).glob("*.tgz"), None)
        if reason or archive is None:
            raise SeamlineError(
                f"--web: npm cannot fetch onnxruntime-web {VERSION} ({_npm_reason(reason)}); check the network, "
                + _GIVE_FOLDER
            )
        _extract(archive, cache)
    if problem := _problem(cache):
        raise SeamlineError(
            f"--web: npm's onnxruntime-web {VERSION} is not the expected one: {problem}; {_GIVE_FOLDER}"
        )


def _npm_reason(output: str) -> str:
    """Return the first line of npm's errors that says more than a code."""
    lines = [line.removeprefix("npm error").removeprefix("npm ERR!").strip() for line in output.splitlines()]
    return next((line for line in lines if line and not line.startswith(("code ", "syscall ", "errno "))), "no reason")


def _extract(archive: Path, cache: Path) -> None:
    """Write the files of `CHECKSUMS` from the package into the cache."""
    with tarfile.open(archive) as package:
        for name in CHECKSUMS:
            try:
                content = package.extractfile(f"package/dist/{name}")
            except KeyError:
                continue  # reported as missing
            if content is not None:
                write_bytes(cache / name, content.read())
