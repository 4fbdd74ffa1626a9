"""Picture datasets, under torchvision's names."""

from ._samples import wrap_dataset_for_transforms_v2
from .caltech import Caltech101, Caltech256
from .celeba import CelebA
from .cifar import CIFAR10, CIFAR100
from .coco import CocoCaptions, CocoDetection
from .fakedata import FakeData
from .flowers102 import Flowers102
from .folder import DatasetFolder, ImageFolder
from .food101 import Food101
from .imagenet import ImageNet
from .inaturalist import INaturalist
from .lsun import LSUN, LSUNClass
from .mnist import EMNIST, KMNIST, MNIST, QMNIST, FashionMNIST
from .oxford_iiit_pet import OxfordIIITPet
from .places365 import Places365
from .published import DTD, SUN397, Country211, EuroSAT, Imagenette, RenderedSST2
from .shapes import Shapes
from .stl10 import STL10
from .svhn import SVHN
from .vision import VisionDataset
from .voc import VOCDetection, VOCSegmentation

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "Caltech101",
    "Caltech256",
    "CelebA",
    "CocoCaptions",
    "CocoDetection",
    "Country211",
    "DTD",
    "DatasetFolder",
    "EMNIST",
    "EuroSAT",
    "FakeData",
    "FashionMNIST",
    "Flowers102",
    "Food101",
    "INaturalist",
    "ImageFolder",
    "ImageNet",
    "Imagenette",
    "KMNIST",
    "LSUN",
    "LSUNClass",
    "MNIST",
    "OxfordIIITPet",
    "Places365",
    "QMNIST",
    "RenderedSST2",
    "STL10",
    "SUN397",
    "SVHN",
    "Shapes",
    "VOCDetection",
    "VOCSegmentation",
    "VisionDataset",
    "wrap_dataset_for_transforms_v2",
]
