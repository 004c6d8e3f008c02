"""The manifest of the results: what was done, with which model and settings, and what is left."""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from seamline.cluster.storage import Storage
from seamline.cluster.worker import ERRORS, INDEX, PHOTOS, Summary, shard_name, shard_summary
from seamline.data.image_folder.unused import UnusedFiles
from seamline.data.pixel_meaning import TraitCounts, conversion_warning, unused_data
from seamline.errors import SeamlineError
from seamline.run_folder import UnusedData

MANIFEST = "manifest.json"


class Manifest:
    """The shards of the results, those that exist and those that remain.

    Args:
        storage: where the results lie.
        config: what they depend on: command, model, fingerprint, photos, options and shard_size.
        header: what else the manifest says of them, such as the classes.
        novelty_unavailable: why the model cannot tell novel photos, in a sentence; None if it can.

    Attributes:
        counts: number of photos in each shard.
        summaries: of the shards that are done.
        unused_files: files beside the photos, by kind.

    Raises:
        SeamlineError: the folder holds results of another command, another model, other photos or other settings.
    """

    def __init__(
        self, storage: Storage, config: dict[str, Any], header: dict[str, Any], novelty_unavailable: str | None
    ) -> None:
        self.storage = storage
        self.header = {"seamline": version("seamline"), "config": config, **header}
        self.novelty_unavailable = novelty_unavailable
        self.counts: list[int] = []
        self.summaries: list[Summary] = []
        self.unused_files: tuple[UnusedData, ...] = ()
        self._check_config(config)

    def load(self, source: Storage, shard_size: int) -> list[int]:
        """List the photos, unless that has been done, and return the shards that remain.

        Raises:
            SeamlineError: there is no photo.
        """
        self.counts = self._index_photos(source, shard_size)
        existing = self.storage.list_names(PHOTOS)
        shards = range(len(self.counts))
        done = [index for index in shards if shard_name(index) in existing]
        with ThreadPoolExecutor(16) as readers:
            files = (f"{PHOTOS}/{shard_name(index)}" for index in done)
            summaries = readers.map(lambda file: shard_summary(self.storage.open(file)), files)
            self.summaries = [{"shard": index, **summary} for index, summary in zip(done, summaries, strict=True)]
        return sorted(set(shards) - set(done))

    def total(self, key: str) -> int:
        """Return the sum of `photos`, `errors` or another number over the shards that are done."""
        return int(sum(summary[key] for summary in self.summaries))

    @property
    def listed(self) -> int:
        """Number of photos."""
        return sum(self.counts)

    @property
    def done(self) -> int:
        """Number of photos in the shards that are done, errors included."""
        return self.total("photos") + self.total("errors")

    @property
    def unused(self) -> tuple[UnusedData, ...]:
        """What is not used, files and parts of photos."""
        return (*self.unused_files, *unused_data(self._traits()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about unusual photos."""
        return tuple(filter(None, [conversion_warning(self._traits()), self.novelty_unavailable]))

    def _traits(self) -> TraitCounts:
        """Return the counts of unusual photos in the shards that are done."""
        traits = TraitCounts()
        for summary in sorted(self.summaries, key=lambda one: int(one["shard"])):
            traits.merge(TraitCounts.from_json(summary["traits"]))
        return traits

    def write(self) -> None:
        """Write `manifest.json`."""
        content = self.header | {
            "listed": self.listed,
            "shards": {"listed": len(self.counts), "done": len(self.summaries)},
            "photos": self.total("photos"),
            "errors": self.total("errors"),
            "worker_seconds": round(float(sum(summary["seconds"] for summary in self.summaries)), 3),
            "unused": msgspec.to_builtins(self.unused),
            "warnings": self.warnings,
            "files": {"index": INDEX, "photos": f"{PHOTOS}/shard-*.parquet", "errors": f"{ERRORS}/shard-*.parquet"},
        }
        self.storage.write(self.storage.join(MANIFEST), (json.dumps(content, indent=1) + "\n").encode())

    def _check_config(self, config: dict[str, Any]) -> None:
        address = self.storage.display_uri
        try:
            with self.storage.open(MANIFEST) as file:
                content = json.loads(file.read())
            existing = {"command": "predict"} | content["config"]  # older manifests do not name it
            unused = msgspec.convert(content["unused"], tuple[UnusedData, ...])
            self.unused_files = tuple(item for item in unused if item.kind == "files")
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SeamlineError(
                f"{address}/{MANIFEST}: cannot be read ({error}); name another folder with --out"
            ) from None
        for key in {**config, **existing}:
            if key != "model" and existing.get(key) != config.get(key):
                what = "model" if key == "fingerprint" else key
                values = "" if key == "fingerprint" else f" ({existing.get(key)} there, {config.get(key)} here)"
                raise SeamlineError(
                    f"{address}: holds results of another {what}{values}; name another folder with --out"
                )

    def _index_photos(self, source: Storage, shard_size: int) -> list[int]:
        """Return the number of photos in each shard; list the photos first if that has not been done."""
        try:
            with self.storage.open(INDEX) as file:
                metadata = pq.ParquetFile(file).metadata
                return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        except FileNotFoundError:
            pass
        counts, unused = [], UnusedFiles()
        schema = pa.schema([("file", pa.string())])
        with tempfile.NamedTemporaryFile(suffix=".parquet") as temporary:
            photos = source.iter_photos(unused)
            with pq.ParquetWriter(temporary.name, schema, compression="zstd") as writer:
                while shard := list(islice(photos, shard_size)):
                    writer.write_table(pa.table({"file": shard}, schema), row_group_size=shard_size)
                    counts.append(len(shard))
            if not counts:
                raise SeamlineError(f"{source.display_uri}: contains no photos")
            self.unused_files = unused.entries()
            self.write()  # before the index, which marks the list as complete
            self.storage.write(self.storage.join(INDEX), Path(temporary.name).read_bytes())
        return counts
