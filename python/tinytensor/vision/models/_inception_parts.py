"""What GoogLeNet and Inception v3 share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ._api import WeightsEnum
from ._utils import WeightsFile, fix, num_classes_of


class BasicConv2d(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, **kwargs: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


def warn_of_drawing(name: str) -> None:
    """Tell that the initial weights were not chosen: torchvision may choose others one day."""
    warnings.warn(
        f"The default weight initialization of {name} will be changed in future releases of torchvision. "
        "Give init_weights=True to keep this one, or False for that of the layers.",
        FutureWarning,
        stacklevel=3,
    )


def draw_truncated(net: nn.Module, deviation: Callable[[nn.Module], float]) -> None:
    """Draw the weights of convolutions and linear layers; their biases stay."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, mean=0.0, std=deviation(module), a=-2, b=2)


# Mean and deviation of ImageNet's channels, and those that the published weights were trained with.
_MEAN, _DEVIATION, _WANTED = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 0.5


def renormalized(x: Tensor) -> Tensor:
    """Pictures normalized with ImageNet's figures, as if normalized with 0.5 and 0.5."""
    channels = [
        x[:, index : index + 1] * (deviation / _WANTED) + (mean - _WANTED) / _WANTED
        for index, (mean, deviation) in enumerate(zip(_MEAN, _DEVIATION))
    ]
    return tinytensor.cat(channels, 1)


def load_with_heads(
    make: Callable[..., nn.Module],
    chosen: WeightsEnum | WeightsFile,
    config: dict[str, Any],
    progress: bool,
    heads: tuple[str, ...],
    keep_heads: bool,
) -> nn.Module:
    """The network with its weights. Published ones have auxiliary heads, which are dropped unless wanted."""
    config.setdefault("transform_input", True)
    num_classes_of(chosen, config)
    state = chosen.get_state_dict(progress=progress, check_hash=True)
    net = make(**fix(config, aux_logits=any(key.startswith(heads) for key in state), init_weights=False))
    net.load_state_dict(state)
    if not keep_heads:
        net.aux_logits = False
        for head in heads:
            setattr(net, head, None)
    return net
