"""What the files and predictions of a model are verified against."""

import hashlib

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from seamline.run_folder.fields import FileName, Positive, Side, to_json


class ExampleOutputs(Struct, frozen=True, kw_only=True):
    """A few drawn images and the logits that a model computes for them."""

    size: tuple[Side, Side, Side]  # height, width and channels of each image as stored; enlarged for the model
    images: bytes  # (N, height, width, channels) uint8, as base64
    logits: bytes  # (N, K), or (N, K, h, w) at every 16th pixel, float32 little-endian, as base64
    tolerance: Positive  # largest absolute difference of a logit that is no error

    def __post_init__(self) -> None:
        """Check that the bytes are whole images and numbers."""
        if not self.images or len(self.images) % int(np.prod(self.size)) or not self.logits or len(self.logits) % 4:
            raise ValueError("images or logits have a wrong number of bytes")

    @property
    def image_array(self) -> NDArray[np.uint8]:
        """The images, (N, height, width, channels) uint8."""
        return np.frombuffer(self.images, np.uint8).reshape(-1, *self.size)

    @property
    def logit_array(self) -> NDArray[np.float32]:
        """The logits in one row, float32."""
        return np.frombuffer(self.logits, "<f4")


class Integrity(Struct, frozen=True, kw_only=True):
    """Checksums of the files of a run, and its predictions for example images."""

    files: dict[FileName, str]  # name of a file -> 64 hexadecimal digits of its SHA-256
    examples: ExampleOutputs  # example images and their logits, computed by PyTorch on the CPU
    sha256: str = ""  # 64 hexadecimal digits of SHA-256 over the other fields, as JSON without spaces

    def sealed(self) -> "Integrity":
        """Return the same with its own checksum."""
        empty = msgspec.structs.replace(self, sha256="")
        return msgspec.structs.replace(self, sha256=hashlib.sha256(to_json(empty)).hexdigest())
