"""Weights that others publish for their networks, fetched from the Hugging Face hub.

Safetensors alone are read: PyTorch's own format may run whatever it likes.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from seamline.errors import first_line

WAIT = 10.0  # seconds for the hub to answer at all, before anything is fetched


class WeightsUnavailableError(Exception):
    """Published weights cannot be had; the text says why, and reads on after `its published weights`."""


@dataclass(frozen=True)
class Published:
    """Published weights, fetched.

    Attributes:
        called: their name, and their licence where it is stated.
        file: where they lie, safetensors.
        key: what their package calls them; empty where it reads them by `file`.
        mean: of each channel of the pixels, 0..255, that they were trained with.
        std: the same for the standard deviation.
    """

    called: str
    file: Path
    key: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def timm_weights(timm: ModuleType, name: str) -> Published:
    """Fetch the weights of timm's network `name`, such as `resnet18` or `resnet18.a1_in1k`.

    Raises:
        WeightsUnavailableError: there are none, none as safetensors, or they cannot be fetched.
    """
    entry = timm.get_pretrained_cfg(name)
    if entry is None or not entry.has_weights:
        raise WeightsUnavailableError("do not exist")
    if not entry.hf_hub_id:
        raise WeightsUnavailableError("are not published as safetensors, and nothing else is read")
    repository, _, revision = entry.hf_hub_id.partition("@")
    file = fetch(repository, _safe_name(entry.hf_hub_filename), revision or None)
    called = f"{entry.architecture}.{entry.tag}" if entry.tag else name
    licence = f" (licence {entry.license})" if entry.license else ""
    return Published(called + licence, file, "", *_raw(entry.mean, entry.std))


def smp_weights(encoders: ModuleType, name: str) -> Published:
    """Fetch the weights of an encoder of segmentation_models.pytorch's own table, those of ImageNet where it has them.

    Raises:
        WeightsUnavailableError: there are none, they cannot be fetched, or they were trained with other pixels.
    """
    offered = encoders.encoders[name]["pretrained_settings"]
    if not offered:
        raise WeightsUnavailableError("do not exist")
    key = "imagenet" if "imagenet" in offered else next(iter(offered))
    repository, revision = offered[key]["repo_id"], offered[key]["revision"]
    told = json.loads(fetch(repository, "config.json", revision).read_text(encoding="utf-8"))
    if told.get("input_space", "RGB") != "RGB":
        raise WeightsUnavailableError(f"were trained with {told['input_space']} images, not RGB")
    file = fetch(repository, "model.safetensors", revision)
    highest = float((told.get("input_range") or [0, 1])[1])
    return Published(f"{name} {key}", file, key, *_raw(told["mean"], told["std"], highest))


def fetch(repository: str, name: str, revision: str | None = None) -> Path:
    """Return where a file of the hub lies here, fetching it unless it is in the hub's cache.

    The hub's own client tries for half a minute where there is no way to it: whether it answers at all is asked first.

    Raises:
        WeightsUnavailableError: it cannot be fetched.
    """
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    kept = try_to_load_from_cache(repository, name, revision=revision)
    if isinstance(kept, str):
        return Path(kept)
    if constants.HF_HUB_OFFLINE:
        raise WeightsUnavailableError("cannot be fetched (HF_HUB_OFFLINE is set)")
    try:
        asked = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 - the hub's address
        urllib.request.urlopen(asked, timeout=WAIT).close()  # noqa: S310
    except urllib.error.HTTPError:
        pass  # it answers
    except OSError as error:
        raise WeightsUnavailableError(f"cannot be fetched ({constants.ENDPOINT}: {_words(error)})") from None
    try:
        return Path(hf_hub_download(repository, name, revision=revision))
    except Exception as error:  # the client answers with errors of several packages
        raise WeightsUnavailableError(f"cannot be fetched ({repository}/{name}: {_words(error)})") from None


def _safe_name(name: str | None) -> str:
    """Return what the safetensors beside a file of the hub are called."""
    if not name or name == "pytorch_model.bin":
        return "model.safetensors"
    if name == "open_clip_pytorch_model.bin":
        return "open_clip_model.safetensors"
    return str(Path(name).with_suffix(".safetensors"))


def _raw(
    mean: tuple[float, ...], std: tuple[float, ...], highest: float = 1.0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of pixels 0..highest as those of pixels 0..255."""
    scale = 255 / highest
    return tuple(scale * value for value in mean), tuple(scale * value for value in std)


def _words(error: Exception) -> str:
    """Return the first line of an error's reason, or of itself, without an end."""
    return first_line(getattr(error, "reason", None) or error).rstrip(".")
