"""Pretrained weights of external models, fetched from the Hugging Face hub.

Only safetensors are read: PyTorch's own format can run any code.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from seamline.errors import WeightsUnavailableError, first_line

TIMEOUT = 10.0
"""Seconds in which the hub must respond, before anything is fetched."""

_REMEDY = "use random weights with --set pretrained=no"


@dataclass(frozen=True)
class PretrainedWeights:
    """Pretrained weights, fetched."""

    title: str  # their name, and their license where it is stated
    file: Path  # safetensors
    key: str  # their name in their package; empty where the package reads `file`
    mean: tuple[float, ...]  # mean of each channel of the pixels, 0..255, that they were trained with
    std: tuple[float, ...]  # standard deviation of each channel


def timm_weights(timm: ModuleType, name: str) -> PretrainedWeights:
    """Fetch the weights of a timm model, such as `resnet18` or `resnet18.a1_in1k`.

    Raises:
        WeightsUnavailableError: there are none, none as safetensors, or they cannot be fetched.
    """
    entry = timm.get_pretrained_cfg(name)
    if entry is None or not entry.has_weights:
        raise WeightsUnavailableError(f"do not exist; {_REMEDY}")
    if not entry.hf_hub_id:
        raise WeightsUnavailableError(f"are not published as safetensors, and no other format is read; {_REMEDY}")
    repository, _, revision = entry.hf_hub_id.partition("@")
    file = fetch(repository, _safetensors_name(entry.hf_hub_filename), revision or None)
    title = f"{entry.architecture}.{entry.tag}" if entry.tag else name
    license_note = f" (license {entry.license})" if entry.license else ""
    return PretrainedWeights(title + license_note, file, "", *_to_uint8_scale(entry.mean, entry.std))


def smp_weights(encoders: ModuleType, name: str) -> PretrainedWeights:
    """Fetch the weights of an encoder of segmentation_models.pytorch, those of ImageNet if there are several.

    Raises:
        WeightsUnavailableError: there are none, they cannot be fetched, or they were not trained on RGB images.
    """
    settings = encoders.encoders[name]["pretrained_settings"]
    if not settings:
        raise WeightsUnavailableError(f"do not exist; {_REMEDY}")
    key = "imagenet" if "imagenet" in settings else next(iter(settings))
    repository, revision = settings[key]["repo_id"], settings[key]["revision"]
    config = json.loads(fetch(repository, "config.json", revision).read_text(encoding="utf-8"))
    if config.get("input_space", "RGB") != "RGB":
        raise WeightsUnavailableError(f"were trained on {config['input_space']} images, not RGB; {_REMEDY}")
    file = fetch(repository, "model.safetensors", revision)
    highest = float((config.get("input_range") or [0, 1])[1])
    stats = _to_uint8_scale(config["mean"], config["std"], highest)
    return PretrainedWeights(f"{name} {key}", file, key, *stats)


def fetch(repository: str, name: str, revision: str | None = None) -> Path:
    """Return the local path of a file of the hub, fetching it unless it is in the hub's cache.

    The hub's client retries for half a minute without a connection, so this checks first whether the hub responds.

    Raises:
        WeightsUnavailableError: it cannot be fetched.
    """
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    remedy = f"on a connected machine run `hf download {repository}` and copy its cache (HF_HOME), or {_REMEDY}"
    cached = try_to_load_from_cache(repository, name, revision=revision)
    if isinstance(cached, str):
        return Path(cached)
    if constants.HF_HUB_OFFLINE:
        raise WeightsUnavailableError(f"cannot be fetched (HF_HUB_OFFLINE is set); unset it, or {_REMEDY}")
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 - the hub's address
        urllib.request.urlopen(request, timeout=TIMEOUT).close()  # noqa: S310
    except urllib.error.HTTPError:
        pass  # it responds
    except OSError as error:
        raise WeightsUnavailableError(f"cannot be fetched ({constants.ENDPOINT}: {_reason(error)}); {remedy}") from None
    try:
        return Path(hf_hub_download(repository, name, revision=revision))
    except Exception as error:  # the client raises errors of several packages
        raise WeightsUnavailableError(f"cannot be fetched ({repository}/{name}: {_reason(error)}); {remedy}") from None


def _safetensors_name(name: str | None) -> str:
    """Return the name of the safetensors beside a file of the hub."""
    if not name or name == "pytorch_model.bin":
        return "model.safetensors"
    if name == "open_clip_pytorch_model.bin":
        return "open_clip_model.safetensors"
    return str(Path(name).with_suffix(".safetensors"))


def _to_uint8_scale(
    mean: tuple[float, ...], std: tuple[float, ...], highest: float = 1.0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Convert mean and standard deviation of pixels 0..highest to those of pixels 0..255."""
    scale = 255 / highest
    return tuple(scale * value for value in mean), tuple(scale * value for value in std)


def _reason(error: Exception) -> str:
    """Return the first line of an error's reason, or of the error, without its full stop."""
    return first_line(getattr(error, "reason", None) or error).rstrip(".")
