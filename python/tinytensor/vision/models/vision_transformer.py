"""Vision transformer: a transformer on the patches of a picture (Dosovitskiy et al., arXiv 2010.11929)."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import tinytensor
from tinytensor import Tensor, nn
from tinytensor._single_nodes import wrap

from ..ops.misc import MLP, Conv2dNormActivation
from ._utils import WeightsFile, fix, model, num_classes_of
from ._weights import weights_of

__all__ = [
    "VisionTransformer",
    "ViT_B_16_Weights",
    "ViT_B_32_Weights",
    "ViT_L_16_Weights",
    "ViT_L_32_Weights",
    "ViT_H_14_Weights",
    "vit_b_16",
    "vit_b_32",
    "vit_l_16",
    "vit_l_32",
    "vit_h_14",
]

ViT_B_16_Weights = weights_of("ViT_B_16_Weights", __name__)
ViT_B_32_Weights = weights_of("ViT_B_32_Weights", __name__)
ViT_L_16_Weights = weights_of("ViT_L_16_Weights", __name__)
ViT_L_32_Weights = weights_of("ViT_L_32_Weights", __name__)
ViT_H_14_Weights = weights_of("ViT_H_14_Weights", __name__)

Layer = Callable[..., nn.Module]


class ConvStemConfig(NamedTuple):
    """One convolution of a stem in the place of the cutting into patches."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Layer = nn.BatchNorm2d
    activation_layer: Layer = nn.ReLU


class MLPBlock(MLP):
    """The two linear layers of a transformer's block."""

    _version = 2

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        # Before version 2 the layers were called linear_1 and linear_2.
        if (local_metadata.get("version") or 1) < 2:
            for old, new in (("linear_1", "0"), ("linear_2", "3")):
                for part in ("weight", "bias"):
                    if f"{prefix}{old}.{part}" in state_dict:
                        state_dict[f"{prefix}{new}.{part}"] = state_dict.pop(f"{prefix}{old}.{part}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


def _check_sequence(input: Tensor) -> None:
    if input.dim() != 3:
        raise AssertionError(f"Expected (batch_size, seq_length, hidden_dim) got {tuple(input.shape)}")


def _check_size(x: Tensor, size: int) -> None:
    for name, got in zip(("height", "width"), x.shape[2:]):
        if got != size:
            raise AssertionError(f"Wrong image {name}! Expected {size} but got {got}!")


wrap("_check_sequence")
wrap("_check_size")


class EncoderBlock(nn.Module):
    """Attention and two linear layers, each after a normalization and beside a shortcut."""

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Layer = partial(nn.LayerNorm, eps=1e-6),
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(
            hidden_dim, num_heads, dropout=attention_dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        _check_sequence(input)
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Learned positions, blocks, and a normalization."""

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Layer = partial(nn.LayerNorm, eps=1e-6),
    ) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(tinytensor.empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        sizes = (num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer)
        self.layers = nn.Sequential(
            OrderedDict((f"encoder_layer_{index}", EncoderBlock(*sizes)) for index in range(num_layers))
        )
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        _check_sequence(input)
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


def _conv_stem(configs: list[ConvStemConfig], hidden_dim: int) -> nn.Sequential:
    stem = nn.Sequential()
    channels = 3
    for index, config in enumerate(configs):
        stem.add_module(f"conv_bn_relu_{index}", Conv2dNormActivation(channels, **config._asdict()))
        channels = config.out_channels
    stem.add_module("conv_last", nn.Conv2d(channels, hidden_dim, kernel_size=1))
    return stem


class VisionTransformer(nn.Module):
    """A class token in front of the patches, the encoder, and a head on what becomes of the token."""

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Layer = partial(nn.LayerNorm, eps=1e-6),
        conv_stem_configs: list[ConvStemConfig] | None = None,
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise AssertionError(f"Input shape indivisible by patch size! {image_size} and {patch_size}")
        self.image_size = image_size
        self.patch_size = patch_size
        self.hidden_dim = hidden_dim
        self.mlp_dim = mlp_dim
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.num_classes = num_classes
        self.representation_size = representation_size
        self.norm_layer = norm_layer
        if conv_stem_configs is None:
            self.conv_proj = nn.Conv2d(3, hidden_dim, kernel_size=patch_size, stride=patch_size)
        else:
            self.conv_proj = _conv_stem(conv_stem_configs, hidden_dim)
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.class_token = nn.Parameter(tinytensor.zeros(1, 1, hidden_dim))
        self.encoder = Encoder(
            self.seq_length,
            num_layers,
            num_heads,
            hidden_dim,
            mlp_dim,
            dropout,
            attention_dropout,
            norm_layer,
        )
        self.heads = nn.Sequential()
        if representation_size is not None:
            self.heads.add_module("pre_logits", nn.Linear(hidden_dim, representation_size))
            self.heads.add_module("act", nn.Tanh())
        self.heads.add_module("head", nn.Linear(representation_size or hidden_dim, num_classes))
        self._draw_weights()

    def _draw_weights(self) -> None:
        if isinstance(self.conv_proj, nn.Conv2d):
            inputs = self.conv_proj.in_channels * math.prod(self.conv_proj.kernel_size)
            nn.init.trunc_normal_(self.conv_proj.weight, std=math.sqrt(1 / inputs))
            nn.init.zeros_(self.conv_proj.bias)
        else:
            last = self.conv_proj.conv_last
            nn.init.normal_(last.weight, mean=0.0, std=math.sqrt(2.0 / last.out_channels))
            nn.init.zeros_(last.bias)
        if self.representation_size is not None:
            before = self.heads.pre_logits
            nn.init.trunc_normal_(before.weight, std=math.sqrt(1 / before.in_features))
            nn.init.zeros_(before.bias)
        nn.init.zeros_(self.heads.head.weight)
        nn.init.zeros_(self.heads.head.bias)

    def _process_input(self, x: Tensor) -> Tensor:
        """The pictures as sequences of projected patches."""
        _check_size(x, self.image_size)
        return self.conv_proj(x).flatten(2).permute(0, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        patches = self._process_input(x)
        tokens = self.class_token.expand(patches.shape[0], -1, -1)
        encoded = self.encoder(tinytensor.cat([tokens, patches], dim=1))
        return self.heads(encoded[:, 0])


def interpolate_embeddings(
    image_size: int,
    patch_size: int,
    model_state: dict[str, Tensor],
    interpolation_mode: str = "bicubic",
    reset_heads: bool = False,
) -> dict[str, Tensor]:
    """A state_dict for pictures of another size: the positions are interpolated; heads may be left out."""
    positions = model_state["encoder.pos_embedding"]
    batch, length, width = positions.shape
    if batch != 1:
        raise ValueError(f"Unexpected position embedding shape: {tuple(positions.shape)}")
    side = image_size // patch_size
    if side**2 == length - 1:
        return model_state
    old_side = math.isqrt(length - 1)
    if old_side**2 != length - 1:
        raise ValueError(f"seq_length is not a perfect square: {length - 1} patches")
    grid = positions[:, 1:].permute(0, 2, 1).reshape(1, width, old_side, old_side)
    grid = nn.functional.interpolate(grid, size=side, mode=interpolation_mode, align_corners=True)
    resized = grid.reshape(1, width, side**2).permute(0, 2, 1)
    model_state["encoder.pos_embedding"] = tinytensor.cat([positions[:, :1], resized], dim=1)
    if not reset_heads:
        return model_state
    return OrderedDict((key, value) for key, value in model_state.items() if not key.startswith("heads"))


def _sized(chosen: Any, config: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(chosen, WeightsFile):
        fix(config, image_size=chosen.meta["min_size"][0])
    return num_classes_of(chosen, config)


def _network(patch: int, layers: int, heads: int, hidden: int, config: dict[str, Any]) -> VisionTransformer:
    sizes = {"patch_size": patch, "num_layers": layers, "num_heads": heads, "hidden_dim": hidden}
    return VisionTransformer(**sizes, mlp_dim=4 * hidden, **{"image_size": 224, **config})


@model(ViT_B_16_Weights, prepare=_sized)
def vit_b_16(**config: Any) -> VisionTransformer:
    """Vision transformer, base, patches of 16."""
    return _network(16, 12, 12, 768, config)


@model(ViT_B_32_Weights, prepare=_sized)
def vit_b_32(**config: Any) -> VisionTransformer:
    """Vision transformer, base, patches of 32."""
    return _network(32, 12, 12, 768, config)


@model(ViT_L_16_Weights, prepare=_sized)
def vit_l_16(**config: Any) -> VisionTransformer:
    """Vision transformer, large, patches of 16."""
    return _network(16, 24, 16, 1024, config)


@model(ViT_L_32_Weights, prepare=_sized)
def vit_l_32(**config: Any) -> VisionTransformer:
    """Vision transformer, large, patches of 32."""
    return _network(32, 24, 16, 1024, config)


@model(ViT_H_14_Weights, prepare=_sized)
def vit_h_14(**config: Any) -> VisionTransformer:
    """Vision transformer, huge, patches of 14."""
    return _network(14, 32, 16, 1280, config)
