"""What transforms do, as functions: on PIL images, on plain tensors, and on tensors that say what they hold.

Beside every function `f` are its kernels for plain tensors: `f_image`, `f_video` and, where they go along, `f_mask`,
`f_bounding_boxes` and `f_keypoints`, which take what an input cannot tell (format, canvas_size) as arguments.
"""

from tinytensor.vision import tv_tensors as _kinds

from ...functional import (
    InterpolationMode,
    convert_image_dtype,
    pil_to_tensor,
    to_grayscale,
    to_pil_image,
    to_tensor,
)
from ._color import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    autocontrast,
    equalize,
    erase,
    gaussian_blur,
    gaussian_noise,
    grayscale_to_rgb,
    invert,
    jpeg,
    normalize,
    permute_channels,
    posterize,
    rgb_to_grayscale,
    solarize,
    to_dtype,
    uniform_temporal_subsample,
)
from ._geometry import (
    affine,
    center_crop,
    crop,
    elastic,
    elastic_transform,
    five_crop,
    hflip,
    horizontal_flip,
    pad,
    perspective,
    resize,
    resized_crop,
    rotate,
    ten_crop,
    vertical_flip,
    vflip,
)
from ._kernels import KERNELS as _KERNELS
from ._kernels import is_pure_tensor, register_kernel
from ._meta import (
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    get_num_channels,
    get_num_frames,
    get_size,
    to_image,
)
from ._places import clamp_bounding_boxes, clamp_keypoints, convert_bounding_box_format
from ._sanitize import sanitize_bounding_boxes, sanitize_keypoints

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "autocontrast",
    "center_crop",
    "clamp_bounding_boxes",
    "clamp_keypoints",
    "convert_bounding_box_format",
    "convert_image_dtype",
    "crop",
    "elastic",
    "elastic_transform",
    "equalize",
    "erase",
    "five_crop",
    "gaussian_blur",
    "gaussian_noise",
    "get_dimensions",
    "get_image_num_channels",
    "get_image_size",
    "get_num_channels",
    "get_num_frames",
    "get_size",
    "grayscale_to_rgb",
    "hflip",
    "horizontal_flip",
    "invert",
    "is_pure_tensor",
    "jpeg",
    "normalize",
    "pad",
    "permute_channels",
    "perspective",
    "pil_to_tensor",
    "posterize",
    "register_kernel",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "sanitize_bounding_boxes",
    "sanitize_keypoints",
    "solarize",
    "ten_crop",
    "to_dtype",
    "to_grayscale",
    "to_image",
    "to_pil_image",
    "to_tensor",
    "uniform_temporal_subsample",
    "vertical_flip",
    "vflip",
]

_SUFFIXES = {
    _kinds.Image: "image",
    _kinds.Video: "video",
    _kinds.Mask: "mask",
    _kinds.BoundingBoxes: "bounding_boxes",
    _kinds.KeyPoints: "keypoints",
}
globals().update(
    {
        f"{function.__name__}_{_SUFFIXES[kind]}": kernel.__wrapped__
        for function, table in _KERNELS.items()
        for kind, kernel in table.items()
        if kind in _SUFFIXES
    }
)
