"""Classifies the CIFAR-10 test images with a ResNet-20 whose weights come from a PyTorch checkpoint.

    python examples/resnet20_cifar10.py resnet20-12fca82f.th cifar-10-binary.tar.xz

The checkpoint is the one of github.com/akamaster/pytorch_resnet_cifar10 (91.7 % of the images are right),
the data is the binary version of CIFAR-10, as an archive or as the folder with `test_batch.bin`.
"""

import argparse
import pathlib
import tarfile
import time

import numpy as np
import tinytensor as torch
import tinytensor.nn as nn
import tinytensor.nn.functional as F

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Two 3 x 3 convolutions, and a way around them that has no weights."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.new_channels = stride, outputs - inputs

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.new_channels:
            half = self.new_channels // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return F.relu(x + y)


class ResNet20(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, 1)
        self.layer2 = self._stage(16, 32, 2)
        self.layer3 = self._stage(32, 64, 2)
        self.linear = nn.Linear(64, classes)

    def _stage(self, inputs, outputs, stride):
        blocks = [Block(inputs, outputs, stride), Block(outputs, outputs, 1), Block(outputs, outputs, 1)]
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


def load_weights(model, path):
    """Fills the model from a checkpoint that was saved on a GPU, from inside DataParallel."""
    checkpoint = torch.load(path, map_location="cpu")
    state = {name.removeprefix("module."): value for name, value in checkpoint["state_dict"].items()}
    model.load_state_dict(state)
    return checkpoint


def read_test_set(path):
    """Images as bytes, (10000, 3, 32, 32), and labels."""
    path = pathlib.Path(path)
    if path.is_dir():
        data = (path / "test_batch.bin").read_bytes()
    else:
        with tarfile.open(path) as archive:
            data = next(
                archive.extractfile(member).read() for member in archive if "test_batch" in member.name
            )
    rows = torch.from_numpy(np.frombuffer(data, np.uint8).reshape(-1, 1 + 3 * 32 * 32).copy())
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].long()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("data")
    parser.add_argument("--batch-size", type=int, default=250)
    arguments = parser.parse_args()

    model = ResNet20()
    load_weights(model, arguments.checkpoint)
    model.eval()
    images, labels = read_test_set(arguments.data)
    mean, deviation = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (MEAN, DEVIATION))

    right, start = 0, time.perf_counter()
    with torch.no_grad():
        for batch, label in zip(images.split(arguments.batch_size), labels.split(arguments.batch_size)):
            scores = model((batch.float() / 255 - mean) / deviation)
            right += (scores.argmax(1) == label).sum().item()
    seconds = time.perf_counter() - start
    print(
        f"{right} of {len(labels)} right: {100 * right / len(labels):.2f} %, {len(labels) / seconds:.0f} "
        "images/s"
    )


if __name__ == "__main__":
    main()
