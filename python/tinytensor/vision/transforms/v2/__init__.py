"""The second version of torchvision's transforms: the classic names, for whole samples, and a few more."""

from .. import AutoAugmentPolicy, InterpolationMode
from .. import transforms as _classic
from . import functional
from ._auto import AutoAugment, RandAugment, TrivialAugmentWide
from ._classes import (
    RGB,
    Compose,
    CutMix,
    GaussianNoise,
    Grayscale,
    Identity,
    Lambda,
    MixUp,
    PILToTensor,
    RandomApply,
    RandomChoice,
    RandomCrop,
    RandomOrder,
    RandomResize,
    RandomShortestSize,
    Resize,
    ScaleJitter,
    ToDtype,
    ToImage,
    ToPILImage,
    ToPureTensor,
    ToTensor,
)
from ._transform import Transform, of_classic

CenterCrop = of_classic(_classic.CenterCrop)
ColorJitter = of_classic(_classic.ColorJitter)
ConvertImageDtype = of_classic(_classic.ConvertImageDtype)
ElasticTransform = of_classic(_classic.ElasticTransform)
FiveCrop = of_classic(_classic.FiveCrop)
GaussianBlur = of_classic(_classic.GaussianBlur)
LinearTransformation = of_classic(_classic.LinearTransformation)
Normalize = of_classic(_classic.Normalize)
Pad = of_classic(_classic.Pad)
RandomAdjustSharpness = of_classic(_classic.RandomAdjustSharpness)
RandomAffine = of_classic(_classic.RandomAffine)
RandomAutocontrast = of_classic(_classic.RandomAutocontrast)
RandomEqualize = of_classic(_classic.RandomEqualize)
RandomErasing = of_classic(_classic.RandomErasing)
RandomGrayscale = of_classic(_classic.RandomGrayscale)
RandomHorizontalFlip = of_classic(_classic.RandomHorizontalFlip)
RandomInvert = of_classic(_classic.RandomInvert)
RandomPerspective = of_classic(_classic.RandomPerspective)
RandomPosterize = of_classic(_classic.RandomPosterize)
RandomResizedCrop = of_classic(_classic.RandomResizedCrop)
RandomRotation = of_classic(_classic.RandomRotation)
RandomSolarize = of_classic(_classic.RandomSolarize)
RandomVerticalFlip = of_classic(_classic.RandomVerticalFlip)
TenCrop = of_classic(_classic.TenCrop)

__all__ = [
    "RGB",
    "AutoAugment",
    "AutoAugmentPolicy",
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "CutMix",
    "ElasticTransform",
    "FiveCrop",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "Identity",
    "InterpolationMode",
    "Lambda",
    "LinearTransformation",
    "MixUp",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandAugment",
    "RandomAdjustSharpness",
    "RandomAffine",
    "RandomApply",
    "RandomAutocontrast",
    "RandomChoice",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomInvert",
    "RandomOrder",
    "RandomPerspective",
    "RandomPosterize",
    "RandomResize",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomShortestSize",
    "RandomSolarize",
    "RandomVerticalFlip",
    "Resize",
    "ScaleJitter",
    "TenCrop",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToPureTensor",
    "ToTensor",
    "Transform",
    "TrivialAugmentWide",
    "functional",
]
