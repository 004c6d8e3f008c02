"""The same prediction over many machines: photos in a folder or a bucket -> Parquet parts and a manifest.

The photos are listed once, in parts of a few hundred. A part is one piece of work: a worker reads its photos, asks the
network, and writes what came out as one file that appears whole or not at all. So a worker that dies costs its part's
work and nothing else, a photo is in one part and in no other, and what is there is not done again.

    OUT/manifest.json             the model, the settings, what was done
    OUT/listing.parquet           every photo, a row group a part
    OUT/photos/part-000012.parquet    a row a photo
    OUT/errors/part-000012.parquet    a row a photo that could not be predicted, where there is one
"""

from seamline.cluster.driver import predict_on_cluster

__all__ = ["predict_on_cluster"]
