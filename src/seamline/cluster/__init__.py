"""Prediction on a Ray cluster: photos in a folder or a bucket -> Parquet shards and a manifest.

The photos are listed once, in shards of a few hundred. A worker reads the photos of a shard, predicts them, and writes
the results as one file, atomically. So a worker that dies costs the work on its shard, every photo is in exactly one
shard, and shards that exist are not predicted again.

    OUT/manifest.json                   the model, the settings, the progress, and what is not used
    OUT/index.parquet                   all photos, a row group per shard
    OUT/photos/shard-000012.parquet     a row per photo
    OUT/errors/shard-000012.parquet     a row per photo that could not be predicted, if there are any
"""

from seamline.cluster.driver import predict_on_cluster

__all__ = ["predict_on_cluster"]
