import numpy as np
import pytest
import torch

from conftest import small_streets
from seamline.inference.forward import predict_logits
from seamline.inference.tta import TTA
from seamline.models.factory import build_model


def test_reduced_augmentation_starts_with_the_cheapest() -> None:
    model = build_model("unet-fast", (32, 32, 3), 3, task="segmentation", seed=0)
    tta = TTA(model, hflip=True, scales=(1.0, 1.5))
    assert tta.cost == 6.5
    assert tta.description == "scales 1 and 1.5, horizontal flip"
    reduced = tta.reduced()
    assert [one.cost for one in reduced] == [1, 2, 2.25, 3.25, 4.5]
    assert (reduced[2].scales, reduced[2].hflip) == ((1.5,), False)
    assert TTA(model, hflip=False, scales=(1.0,)).reduced() == []
    assert TTA(model, hflip=True).scales == model.tta_scales == (1.0, 1.25)


def test_a_single_scale_resizes_and_resizes_back() -> None:
    model = build_model("unet-fast", (32, 32, 3), 3, task="segmentation", seed=0).eval()
    images = small_streets(2, 1).images
    pixels = model.normalize(torch.from_numpy(images).permute(0, 3, 1, 2))
    larger = torch.nn.functional.interpolate(pixels, size=(40, 40), mode="bilinear")
    with torch.inference_mode():
        logits = torch.nn.functional.interpolate(model.forward_logits(larger), size=(32, 32), mode="bilinear")
    expected = logits.log_softmax(1).numpy()
    np.testing.assert_allclose(predict_logits(TTA(model, hflip=False, scales=(1.25,)), images), expected, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_wrapper_has_the_mode_of_its_model(training: bool) -> None:
    model = build_model("cnn-fast", (20, 20, 1), 3, task="classification").train(training)
    predict_logits(TTA(model, hflip=True), np.zeros((1, 20, 20, 1), np.uint8))
    assert model.training is training
