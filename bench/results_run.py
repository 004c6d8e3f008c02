"""The values of a finished run that the page of results shows."""

import json
from pathlib import Path
from typing import Any

from seamline.run_folder import RunFolder, to_json


def collect(run: Path) -> dict[str, Any]:
    """Return the values of a run, with the keys of its run folder.

    Args:
        run: a finished run folder.

    Returns:
        Values that JSON can hold; null where there is no value.
    """
    folder = RunFolder(run)
    info, metrics, calibration = folder.info.read(), folder.metrics.read(), folder.calibration.read()
    history, probes, filters = (
        folder.history.read(),
        folder.linear_probes.read_optional(),
        folder.kernels.read_optional(),
    )
    split = info.split
    values = {
        "preset": info.preset,
        "config": info.config,
        "seed": info.seed,
        "command": info.command,
        "parameters": info.model.parameters,
        "machine": info.machine,
        "threads": info.threads,
        "versions": info.versions,
        "epochs": len(history),
        "seconds": sum(epoch.train_seconds for epoch in history),
        "last_epoch": history[-1],
        "split": {
            "groups": split.groups,
            "duplicate_images": split.duplicate_images,
            "largest_group": split.largest_group,
            "excluded_train": len(split.excluded_train),
            "test_with_train_duplicates": len(split.test_with_train_duplicates),
            "random": split.random,
        },
        "images": {"train": info.dataset.train, "val": info.dataset.val, "test": info.dataset.test},
        "train": metrics.train,
        "val": metrics.val,
        "test": metrics.test,
        "errors": folder.results(metrics.held_out_split).read().errors,
        "linear_probes": probes.probes if probes else (),
        "filters": {layer.name: layer.fractions for layer in filters.layers} if filters else {},
        "temperature": calibration.temperature,
        "ece": {"raw": calibration.held_out.ece_raw, "scaled": calibration.held_out.ece_scaled},
    }
    return dict(json.loads(to_json(values)))
