"""Messages of type Summary.Value: scalars, pictures, histograms, texts."""

from __future__ import annotations

import io
from typing import Any

import numpy

from tinytensor._C import Tensor

from . import _records as form


def array(value: Any) -> numpy.ndarray:
    """A tensor, an array, a number or a list as an array."""
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else numpy.asarray(value)


def scalar(tag: str, value: Any, new_style: bool = False, double_precision: bool = False) -> bytes:
    found = array(value)
    if found.size != 1:
        raise AssertionError(f"scalar should be 0D, got {found.shape}")
    number = float(found.reshape(()))
    if not new_style and not double_precision:
        return form.chunk(1, tag) + form.single(2, number)
    # The dtypes are 1 for float32, whose values are field 5, and 2 for float64, whose values are field 6.
    kind, field, letter = (2, 6, "d") if double_precision else (1, 5, "f")
    tensor = form.integer(1, kind) + form.chunk(2, b"") + form.packed(field, letter, [number])
    return form.chunk(1, tag) + _metadata("scalars") + form.chunk(8, tensor)


def _metadata(plugin: str) -> bytes:
    return form.chunk(9, form.chunk(1, form.chunk(1, plugin)))


def text(tag: str, value: str) -> bytes:
    shape = form.chunk(2, form.integer(1, 1))
    tensor = form.integer(1, 7) + form.chunk(2, shape) + form.chunk(8, value)  # 7 is the dtype of texts
    return form.chunk(1, f"{tag}/text_summary") + _metadata("text") + form.chunk(8, tensor)


def _default_edges() -> numpy.ndarray:
    """Edges of bins that grow by a tenth each, from -1e20 to 1e20, with an edge at 0."""
    up = []
    edge = 1e-12
    while edge < 1e20:
        up.append(edge)
        edge *= 1.1
    return numpy.array([-x for x in reversed(up)] + [0.0] + up)


def histogram(tag: str, values: Any, bins: Any = "tensorflow", max_bins: int | None = None) -> bytes:
    numbers = array(values).astype(numpy.float64).reshape(-1)
    if not numbers.size:
        raise ValueError("The input has no element.")
    if max_bins is not None:
        raise NotImplementedError(f"add_histogram: bins cannot be merged to max_bins={max_bins}")
    counts, edges = numpy.histogram(numbers, bins=_default_edges() if bins == "tensorflow" else bins)
    used = numpy.flatnonzero(counts)
    if not used.size:
        raise ValueError("The histogram is empty, please file a bug report.")
    # One empty bin stays below the first used one, so that readers know where that begins.
    first, last = int(used[0]), int(used[-1]) + 1
    limits, heights = edges[first : last + 1], numpy.concatenate([[0], counts[first:last]])
    message = (
        form.double(1, numbers.min())
        + form.double(2, numbers.max())
        + form.double(3, len(numbers))
        + form.double(4, numbers.sum())
        + form.double(5, float(numbers @ numbers))
        + form.packed(6, "d", limits)
        + form.packed(7, "d", heights)
    )
    return form.chunk(1, tag) + form.chunk(5, message)


def _to_bytes(picture: numpy.ndarray) -> numpy.ndarray:
    if picture.dtype == numpy.uint8:
        return picture
    return (picture * 255.0).clip(0, 255).astype(numpy.uint8)


def as_rows(picture: Any, dataformats: str) -> numpy.ndarray:
    """A picture, or several of them side by side, as height x width x channels."""
    pixels, letters = array(picture), dataformats.upper()
    if len(set(letters)) != len(letters) or set(letters) not in ({*"HW"}, {*"CHW"}, {*"NHW"}, {*"NCHW"}):
        raise AssertionError(f"add_image: dataformats must name N, C, H and W once, got {dataformats!r}")
    if len(letters) != pixels.ndim:
        raise AssertionError(
            f"size of input tensor and input format are different. tensor shape: {pixels.shape}, "
            f"input_format: {dataformats}"
        )
    for letter in "CN":
        if letter not in letters:
            pixels, letters = pixels[None], letter + letters
    pixels = pixels.transpose([letters.index(letter) for letter in "NHWC"])
    across = min(8, len(pixels))
    gaps = -len(pixels) % across
    pixels = numpy.concatenate([pixels, numpy.zeros((gaps, *pixels.shape[1:]), pixels.dtype)])
    count, height, width, channels = pixels.shape
    grid = pixels.reshape(count // across, across, height, width, channels).transpose(0, 2, 1, 3, 4)
    grid = grid.reshape(count // across * height, across * width, channels)
    return grid.repeat(3, axis=2) if channels == 1 else grid


def image(tag: str, picture: Any, dataformats: str) -> bytes:
    from PIL import Image

    rows = _to_bytes(as_rows(picture, dataformats))
    height, width, channels = rows.shape
    if channels not in (3, 4):
        raise ValueError(f"add_image: a picture has 1, 3 or 4 channels, got {channels}")
    file = io.BytesIO()
    Image.fromarray(rows).save(file, format="PNG")
    parts = form.integer(1, height) + form.integer(2, width) + form.integer(3, channels)
    return form.chunk(1, tag) + form.chunk(4, parts + form.chunk(4, file.getvalue()))
