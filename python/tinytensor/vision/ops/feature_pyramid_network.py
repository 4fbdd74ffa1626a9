"""Feature pyramids: every level of features with what the coarser ones know (arXiv 1612.03144)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from .misc import Conv2dNormActivation

__all__ = ["ExtraFPNBlock", "FeaturePyramidNetwork", "LastLevelMaxPool", "LastLevelP6P7"]


class ExtraFPNBlock(nn.Module):
    """Adds levels to a pyramid: takes its results, what it was given, and their names."""

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:
        raise NotImplementedError(f"{type(self).__name__} does not define forward")


def _draw(layer: nn.Module) -> None:
    nn.init.kaiming_uniform_(layer.weight, a=1)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class FeaturePyramidNetwork(nn.Module):
    """Features of several sizes, finest first, as so many with `out_channels` channels."""

    _version = 2

    def __init__(
        self,
        in_channels_list: list[int],
        out_channels: int,
        extra_blocks: ExtraFPNBlock | None = None,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        super().__init__()
        if extra_blocks is not None and not isinstance(extra_blocks, ExtraFPNBlock):
            raise TypeError(f"extra_blocks should be of type ExtraFPNBlock not {type(extra_blocks)}")
        convolution = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=None)
        self.inner_blocks = nn.ModuleList()
        self.layer_blocks = nn.ModuleList()
        for channels in in_channels_list:
            if channels == 0:
                raise ValueError("in_channels=0 is currently not supported")
            self.inner_blocks.append(convolution(channels, out_channels, kernel_size=1, padding=0))
            self.layer_blocks.append(convolution(out_channels, out_channels, kernel_size=3))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                _draw(module)
        self.extra_blocks = extra_blocks

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        # Before version 2 the blocks were bare convolutions.
        if (local_metadata.get("version") or 1) < 2:
            for block in ("inner_blocks", "layer_blocks"):
                for index in range(len(self.inner_blocks)):
                    for part in ("weight", "bias"):
                        old = f"{prefix}{block}.{index}.{part}"
                        if old in state_dict:
                            state_dict[f"{prefix}{block}.{index}.0.{part}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        names, features = list(x), list(x.values())
        sides = [block(feature) for block, feature in zip(self.inner_blocks, features)]
        merged = [sides.pop()]
        while sides:
            side = sides.pop()
            coarse = F.interpolate(merged[0], size=side.shape[-2:], mode="nearest")
            merged.insert(0, side + coarse)
        results = [block(feature) for block, feature in zip(self.layer_blocks, merged)]
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, features, names)
        return OrderedDict(zip(names, results))


class LastLevelMaxPool(ExtraFPNBlock):
    """A level at half the size of the last."""

    def forward(self, x: list[Tensor], y: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        return [*x, F.max_pool2d(x[-1], kernel_size=1, stride=2, padding=0)], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Two levels by convolutions on the last: of the results, or of what was given where channels differ."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        _draw(self.p6)
        _draw(self.p7)
        self.use_P5 = in_channels == out_channels

    def forward(self, p: list[Tensor], c: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        sixth = self.p6(p[-1] if self.use_P5 else c[-1])
        return [*p, sixth, self.p7(F.relu(sixth))], [*names, "p6", "p7"]
