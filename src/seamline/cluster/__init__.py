"""Predicting and measuring on a Ray cluster: photos in a folder or a bucket -> Parquet shards and a manifest.

The photos are listed once, in shards of a few hundred. A worker reads the photos of a shard, predicts or measures them,
and writes the results as one file, atomically. So a worker that dies costs the work on its shard, every photo is in
exactly one shard, and shards that exist are not done again.

    OUT/manifest.json                   the model, the settings, the progress, and what is not used
    OUT/index.parquet                   all photos, a row group per shard
    OUT/photos/shard-000012.parquet     a row per photo, or per front where photos are measured
    OUT/errors/shard-000012.parquet     a row per photo without results, if there are any
"""

from seamline.cluster.driver import measure_on_cluster, predict_on_cluster

__all__ = ["measure_on_cluster", "predict_on_cluster"]
