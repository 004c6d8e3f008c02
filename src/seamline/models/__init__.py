"""Networks: image (B, C, H, W) uint8 -> logits with the class axis at dimension 1."""
