"""The models of both studies as a PyTorch tutorial writes them: float images in, logits out."""

from torch import Tensor, nn
from torch.nn import functional as F

from baselines.workload import Workload


def cnn() -> nn.Module:
    """Two convolutions of 32 filters, kernel 5: (B, 1, 28, 28) -> (B, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )


class FacadeNet(nn.Module):
    """Six convolutions, two transposed ones, batch normalization after each ReLU: (B, 3, H, W) -> (B, 5, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for number, outputs in enumerate((32, 64, 128, 256, 1024, 256)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs)]
            if number < 3:
                layers.append(nn.MaxPool2d(2))
            inputs = outputs
        layers += [nn.ConvTranspose2d(256, 64, 3, 2, 1, 1), nn.ReLU(), nn.BatchNorm2d(64)]
        layers.append(nn.ConvTranspose2d(64, 5, 3, 2, 1, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 5, H, W) logits; they are upsampled from half the size."""
        return F.interpolate(self.layers(images), scale_factor=2, mode="bilinear", align_corners=False)


def build_model(workload: Workload) -> nn.Module:
    """Return the model of the task."""
    return cnn() if workload.task == "garments" else FacadeNet()
