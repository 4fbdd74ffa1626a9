"""Picture datasets, under torchvision's names."""

from .cifar import CIFAR10, CIFAR100
from .mnist import EMNIST, KMNIST, MNIST, FashionMNIST
from .shapes import Shapes
from .vision import VisionDataset

__all__ = ["CIFAR10", "CIFAR100", "EMNIST", "KMNIST", "MNIST", "FashionMNIST", "Shapes", "VisionDataset"]
