import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from seamline.data import transforms


def test_hflip_mirrors_only_the_selected() -> None:
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 1, 3, 4)
    flipped = transforms.hflip(images, torch.tensor([True, False]))
    assert np.array_equal(flipped[0, 0].numpy(), np.fliplr(images[0, 0].numpy()))
    assert torch.equal(flipped[1], images[1])


@given(down=st.integers(-3, 3), right=st.integers(-3, 3), channels=st.sampled_from([1, 3]))
def test_translate_moves_by_whole_pixels_and_fills_with_black(down: int, right: int, channels: int) -> None:
    images = torch.randint(1, 256, (2, channels, 6, 7), dtype=torch.uint8)
    moved = transforms.translate(images, torch.tensor([[down, right], [0, 0]]), 3).numpy()
    expected = np.zeros_like(images[0].numpy())
    for y in range(6):
        for x in range(7):
            if 0 <= y - down < 6 and 0 <= x - right < 7:
                expected[:, y, x] = images[0, :, y - down, x - right].numpy()
    assert np.array_equal(moved[0], expected)
    assert np.array_equal(moved[1], images[1].numpy())


def test_cutmix_continues_as_the_previous_image() -> None:
    images = torch.randint(0, 256, (3, 3, 4, 5), dtype=torch.uint8)
    masks = torch.randint(0, 5, (3, 4, 5), dtype=torch.uint8)
    columns = torch.tensor([2, 5, 0])
    cut, cut_masks = transforms.horizontal_cutmix(images, columns), transforms.horizontal_cutmix(masks, columns)
    assert torch.equal(cut[0], torch.cat([images[0, ..., :2], images[2, ..., 2:]], -1))
    assert torch.equal(cut_masks[0], torch.cat([masks[0, ..., :2], masks[2, ..., 2:]], -1))
    assert torch.equal(cut[1], images[1])
    assert torch.equal(cut[2], images[1])
    assert torch.equal(cut_masks[1:], masks[[1, 1]])


def test_masks_are_mirrored_like_their_images() -> None:
    masks = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4)
    flipped = transforms.hflip(masks, torch.tensor([False, True]))
    assert torch.equal(flipped[0], masks[0])
    assert np.array_equal(flipped[1].numpy(), np.fliplr(masks[1].numpy()))


def test_the_identity_changes_nothing() -> None:
    images = torch.randint(0, 256, (2, 3, 9, 12), dtype=torch.uint8)
    masks = torch.randint(0, 5, (2, 9, 12), dtype=torch.uint8)
    same = torch.eye(3).repeat(2, 1, 1)
    moved, labels = transforms.warp(images, same, (9, 12)), transforms.warp_masks(masks, same, (9, 12))
    assert torch.equal(moved, images)
    assert torch.equal(labels, masks)
    assert (moved.dtype, labels.dtype) == (torch.uint8, torch.uint8)


@given(right=st.integers(-4, 4), down=st.integers(-3, 3))
def test_image_and_mask_are_transformed_alike(right: int, down: int) -> None:
    """A move by whole pixels can be checked by slicing; outside, the image goes on mirrored, the mask with it."""
    masks = torch.randint(0, 200, (1, 12, 16), dtype=torch.uint8)
    images = masks[:, None].repeat(1, 3, 1, 1)
    matrix = torch.tensor([[[1.0, 0, -right * 2 / 16], [0, 1, -down * 2 / 12], [0, 0, 1]]])
    moved, labels = transforms.warp(images, matrix, (12, 16)), transforms.warp_masks(masks, matrix, (12, 16))
    assert torch.equal(moved[0, 0], labels[0])
    seen = labels[0, max(0, down) : 12 + min(0, down), max(0, right) : 16 + min(0, right)]
    assert torch.equal(seen, masks[0, max(0, -down) : 12 - max(0, down), max(0, -right) : 16 - max(0, right)])


def test_at_half_the_size_a_pixel_is_the_mean_of_four() -> None:
    images = torch.randint(0, 256, (2, 3, 8, 12), dtype=torch.uint8)
    still = torch.eye(3).expand(2, 3, 3)
    small = transforms.warp(images, still, (4, 6))
    means = images.float().reshape(2, 3, 4, 2, 6, 2).mean((3, 5))
    assert small.dtype == torch.uint8
    assert (small.float() - means).abs().max() <= 0.5 + 1e-3
    masks = images[:, 0]
    less = transforms.warp_masks(masks, still, (4, 6))
    assert less.shape == (2, 4, 6)
    fours = masks.reshape(2, 4, 2, 6, 2).permute(0, 1, 3, 2, 4).flatten(3)
    assert (fours == less[..., None]).any(3).all()


def test_an_image_is_enlarged_about_its_middle() -> None:
    masks = torch.zeros(1, 16, 16, dtype=torch.uint8)
    masks[0, 6:10, 6:10] = 3
    labels = transforms.warp_masks(masks, torch.diag(torch.tensor([0.5, 0.5, 1])).expand(1, 3, 3), (16, 16))
    expected = torch.zeros_like(masks)
    expected[0, 4:12, 4:12] = 3
    assert torch.equal(labels, expected)


def test_colors_are_mixed_and_shifted() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    swap = torch.tensor([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]]).repeat(2, 1, 1)
    mixed = transforms.color_jitter(images, swap, torch.tensor([[0.0, 0, 0], [10, -300, 300]]))
    assert torch.equal(mixed[0], images[0].flip(0))
    assert torch.equal(mixed[1, 0], (images[1, 2].int() + 10).clamp(max=255).to(torch.uint8))
    assert (mixed[1, 1] == 0).all()
    assert (mixed[1, 2] == 255).all()


def test_a_homography_samples_where_its_matrix_says() -> None:
    """Each output pixel's position is projected by hand."""
    masks = torch.arange(20 * 30).reshape(1, 20, 30)
    matrix = torch.tensor([[[0.6, 0.05, 0.02], [-0.04, 0.5, 0.03], [0.1, -0.2, 1.0]]])
    labels = transforms.warp_masks(masks, matrix, (8, 10))
    for row in range(8):
        for column in range(10):
            x, y, scale = matrix[0] @ torch.tensor([(2 * column + 1) / 10 - 1, (2 * row + 1) / 8 - 1, 1])
            at = ((x / scale + 1) * 30 - 1) / 2, ((y / scale + 1) * 20 - 1) / 2
            if all(abs(float(value) % 1 - 0.5) > 1e-3 for value in at):  # between two pixels either is right
                assert labels[0, row, column] == masks[0, round(float(at[1])), round(float(at[0]))]


def test_gamma_is_a_power_of_gray_levels() -> None:
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).repeat(3, 3, 1, 1)
    changed = transforms.gamma(images, torch.tensor([1.0, 2.0, 0.5]))
    assert torch.equal(changed[0], images[0])
    levels = np.arange(256) / 255
    assert np.array_equal(changed[1, 0].flatten().numpy(), np.round(255 * levels**2).astype(np.uint8))
    assert np.abs(changed[2, 2].flatten().numpy() - 255 * np.sqrt(levels)).max() <= 0.5 + 1e-4


def test_erase_fills_one_rectangle_with_one_color() -> None:
    images = torch.randint(0, 256, (2, 3, 6, 7), dtype=torch.uint8)
    boxes = torch.tensor([[1, 2, 4, 6], [3, 3, 3, 5]])  # the second has no rows
    erased = transforms.erase(images, boxes, torch.tensor([[7, 8, 9], [1, 2, 3]], dtype=torch.uint8))
    expected = images.clone()
    expected[0, :, 1:4, 2:6] = torch.tensor([7, 8, 9], dtype=torch.uint8)[:, None, None]
    assert torch.equal(erased, expected)
