import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from seamline.data import augment


def test_flip_mirrors_only_the_chosen() -> None:
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 1, 3, 4)
    flipped = augment.flip(images, torch.tensor([True, False]))
    assert np.array_equal(flipped[0, 0].numpy(), np.fliplr(images[0, 0].numpy()))
    assert torch.equal(flipped[1], images[1])


@given(down=st.integers(-3, 3), right=st.integers(-3, 3), channels=st.sampled_from([1, 3]))
def test_shift_moves_by_whole_pixels_and_fills_with_black(down: int, right: int, channels: int) -> None:
    images = torch.randint(1, 256, (2, channels, 6, 7), dtype=torch.uint8)
    moved = augment.shift(images, torch.tensor([down, 0]), torch.tensor([right, 0]), 3).numpy()
    expected = np.zeros_like(images[0].numpy())
    for y in range(6):
        for x in range(7):
            if 0 <= y - down < 6 and 0 <= x - right < 7:
                expected[:, y, x] = images[0, :, y - down, x - right].numpy()
    assert np.array_equal(moved[0], expected)
    assert np.array_equal(moved[1], images[1].numpy())
