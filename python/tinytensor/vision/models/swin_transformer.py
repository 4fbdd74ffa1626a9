"""Swin transformers: attention within windows that shift (Liu et al., arXiv 2103.14030 and 2111.09883)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor._single_nodes import wrap
from tinytensor.nn import functional as F

from ..ops.misc import MLP, Permute
from ..ops.stochastic_depth import StochasticDepth
from ._utils import initialize, model
from ._weights import weights_of

__all__ = [
    "SwinTransformer",
    "Swin_T_Weights",
    "Swin_S_Weights",
    "Swin_B_Weights",
    "Swin_V2_T_Weights",
    "Swin_V2_S_Weights",
    "Swin_V2_B_Weights",
    "swin_t",
    "swin_s",
    "swin_b",
    "swin_v2_t",
    "swin_v2_s",
    "swin_v2_b",
]

Swin_T_Weights = weights_of("Swin_T_Weights", __name__)
Swin_S_Weights = weights_of("Swin_S_Weights", __name__)
Swin_B_Weights = weights_of("Swin_B_Weights", __name__)
Swin_V2_T_Weights = weights_of("Swin_V2_T_Weights", __name__)
Swin_V2_S_Weights = weights_of("Swin_V2_S_Weights", __name__)
Swin_V2_B_Weights = weights_of("Swin_V2_B_Weights", __name__)

Layer = Callable[..., nn.Module]


def _gathered(x: Tensor) -> Tensor:
    """Every 2 x 2 of (..., H, W, C) side by side as 4 C channels; odd sizes are padded with zeros."""
    height, width = x.shape[-3:-1]
    x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
    return tinytensor.cat([x[..., row::2, column::2, :] for column in (0, 1) for row in (0, 1)], -1)


class PatchMerging(nn.Module):
    """Halves the size and doubles the channels."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduction(self.norm(_gathered(x)))


class PatchMergingV2(nn.Module):
    """The same with the normalization at the end."""

    def __init__(self, dim: int, norm_layer: Layer = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.reduction(_gathered(x)))


def _windows(x: Tensor, window: Sequence[int]) -> Tensor:
    """(N, H, W, C) as (N * windows, positions in a window, C)."""
    batch, height, width, channels = x.shape
    grid = x.reshape(batch, height // window[0], window[0], width // window[1], window[1], channels)
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(-1, window[0] * window[1], channels)


def _joined(windows: Tensor, window: Sequence[int], shape: Sequence[int]) -> Tensor:
    """The pictures of the given shape that were cut into windows."""
    batch, height, width, channels = shape
    grid = windows.reshape(batch, height // window[0], width // window[1], *window, channels)
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, channels)


def _shift_mask(like: Tensor, size: Sequence[int], window: Sequence[int], shift: Sequence[int]) -> Tensor:
    """-100 between positions of a window that were not neighbours before the shift, as (windows, P, P)."""
    region = like.new_zeros(1, *size, 1)
    count = 0
    borders = [(slice(0, -w), slice(-w, -s), slice(-s, None)) for w, s in zip(window, shift)]
    for rows in borders[0]:
        for columns in borders[1]:
            region[:, rows, columns] = count
            count += 1
    region = _windows(region, window).squeeze(-1)
    apart = region.unsqueeze(1) != region.unsqueeze(2)
    return like.new_zeros(apart.shape).masked_fill(apart, -100.0)


class ShiftedWindowAttention(nn.Module):
    """Attention within windows; `shift_size` moves the windows before."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError(
                f"window_size and shift_size must be of length 2, got {window_size} and {shift_size}"
            )
        self.window_size = window_size
        self.shift_size = shift_size
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.define_relative_position_index()

    def define_relative_position_bias_table(self) -> None:
        """A learned number per head for every offset between two positions of a window."""
        offsets = math.prod(2 * size - 1 for size in self.window_size)
        self.relative_position_bias_table = nn.Parameter(tinytensor.zeros(offsets, self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def define_relative_position_index(self) -> None:
        """Which row of the table is for which pair of positions."""
        height, width = self.window_size
        rows = tinytensor.arange(height).repeat_interleave(width)
        columns = tinytensor.arange(width).repeat(height)
        row_offset = rows[:, None] - rows[None, :] + height - 1
        column_offset = columns[:, None] - columns[None, :] + width - 1
        index = row_offset * (2 * width - 1) + column_offset
        self.register_buffer("relative_position_index", index.flatten())

    def _bias_of(self, table: Tensor) -> Tensor:
        positions = math.prod(self.window_size)
        bias = table[self.relative_position_index].reshape(positions, positions, -1)
        return bias.permute(2, 0, 1).unsqueeze(0)

    def get_relative_position_bias(self) -> Tensor:
        return self._bias_of(self.relative_position_bias_table)

    def _qkv_bias(self) -> Tensor | None:
        return self.qkv.bias

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        return (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)

    def _attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        count, positions, channels = x.shape
        qkv = F.linear(x, self.qkv.weight, self._qkv_bias())
        qkv = qkv.reshape(count, positions, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        scores = self._scores(qkv[0], qkv[1]) + self.get_relative_position_bias()
        if mask is not None:
            scores = scores.reshape(-1, mask.shape[0], self.num_heads, positions, positions)
            scores = (scores + mask[None, :, None]).reshape(count, self.num_heads, positions, positions)
        weights = F.dropout(F.softmax(scores, dim=-1), p=self.attention_dropout, training=self.training)
        out = self.proj((weights @ qkv[2]).transpose(1, 2).reshape(count, positions, channels))
        return F.dropout(out, p=self.dropout, training=self.training)

    def forward(self, x: Tensor) -> Tensor:
        return _attend_in_windows(self, x)


def _attend_in_windows(layer: ShiftedWindowAttention, x: Tensor) -> Tensor:
    height, width = x.shape[1:3]
    window = layer.window_size
    x = F.pad(x, (0, 0, 0, -width % window[1], 0, -height % window[0]))
    size = x.shape[1:3]
    # A window as large as the picture has nowhere to move.
    shift = [0 if w >= s else moved for w, s, moved in zip(window, size, layer.shift_size)]
    mask = None
    if sum(shift) > 0:
        x = tinytensor.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
        mask = _shift_mask(x, size, window, shift)
    out = _joined(layer._attend(_windows(x, window), mask), window, x.shape)
    if sum(shift) > 0:
        out = tinytensor.roll(out, shifts=tuple(shift), dims=(1, 2))
    return out[:, :height, :width]


wrap("_attend_in_windows")  # the shifts depend on sizes


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """Attention by angle with a learned scale, and biases by a small network on the offset's logarithm."""

    def __init__(
        self,
        dim: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        num_heads: int,
        qkv_bias: bool = True,
        proj_bias: bool = True,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(
            dim, window_size, shift_size, num_heads, qkv_bias, proj_bias, attention_dropout, dropout
        )
        self.logit_scale = nn.Parameter(tinytensor.log(10 * tinytensor.ones(num_heads, 1, 1)))
        self.cpb_mlp = nn.Sequential(
            nn.Linear(2, 512, bias=True), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False)
        )
        if qkv_bias:
            with tinytensor.no_grad():
                self.qkv.bias[dim : 2 * dim] = 0

    def define_relative_position_bias_table(self) -> None:
        """Offsets from -1 to 1, times 8, on a logarithmic scale."""
        axes = [
            tinytensor.arange(1 - size, size, dtype=tinytensor.float32) / (size - 1)
            for size in self.window_size
        ]
        table = tinytensor.stack(tinytensor.meshgrid(*axes, indexing="ij"), -1).unsqueeze(0) * 8
        table = tinytensor.sign(table) * tinytensor.log2(tinytensor.abs(table) + 1.0) / 3.0
        self.register_buffer("relative_coords_table", table)

    def get_relative_position_bias(self) -> Tensor:
        table = self.cpb_mlp(self.relative_coords_table).reshape(-1, self.num_heads)
        return 16 * tinytensor.sigmoid(self._bias_of(table))

    def _qkv_bias(self) -> Tensor | None:
        """The keys have no bias."""
        if self.qkv.bias is None:
            return None
        q, k, v = self.qkv.bias.chunk(3)
        return tinytensor.cat([q, tinytensor.zeros_like(k), v])

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        cosine = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        return cosine * tinytensor.clamp(self.logit_scale, max=math.log(100.0)).exp()


class SwinTransformerBlock(nn.Module):
    """Attention and two linear layers, each after a normalization and beside a shortcut."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Sequence[int],
        shift_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.0,
        norm_layer: Layer = nn.LayerNorm,
        attn_layer: Layer = ShiftedWindowAttention,
    ) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(
            dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout
        )
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The block of the second version, which normalizes what its parts give."""

    def __init__(self, *args: Any, attn_layer: Layer = ShiftedWindowAttentionV2, **kwargs: Any) -> None:
        super().__init__(*args, attn_layer=attn_layer, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Stages of blocks in channels-last form; between them the size is halved and the channels doubled.

    Later blocks are left out more often: the probability rises from 0 to `stochastic_depth_prob`.
    """

    def __init__(
        self,
        patch_size: Sequence[int],
        embed_dim: int,
        depths: Sequence[int],
        num_heads: Sequence[int],
        window_size: Sequence[int],
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        stochastic_depth_prob: float = 0.1,
        num_classes: int = 1000,
        norm_layer: Layer | None = None,
        block: Layer | None = None,
        downsample_layer: Layer = PatchMerging,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-5)
        make = partial(
            block or SwinTransformerBlock,
            window_size=window_size,
            mlp_ratio=mlp_ratio,
            dropout=dropout,
            attention_dropout=attention_dropout,
            norm_layer=norm,
        )
        patches = nn.Conv2d(3, embed_dim, kernel_size=tuple(patch_size), stride=tuple(patch_size))
        layers: list[nn.Module] = [nn.Sequential(patches, Permute([0, 2, 3, 1]), norm(embed_dim))]
        last = sum(depths) - 1
        number = 0
        width = embed_dim
        for index, (depth, heads) in enumerate(zip(depths, num_heads)):
            blocks = []
            for place in range(depth):
                shift = [size // 2 if place % 2 else 0 for size in window_size]
                probability = stochastic_depth_prob * number / last
                blocks.append(make(width, heads, shift_size=shift, stochastic_depth_prob=probability))
                number += 1
            layers.append(nn.Sequential(*blocks))
            if index < len(depths) - 1:
                layers.append(downsample_layer(width, norm))
                width *= 2
        self.features = nn.Sequential(*layers)
        self.norm = norm(width)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(width, num_classes)
        initialize(self, linear=partial(nn.init.trunc_normal_, std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


def _network(
    width: int, depth: int, heads: int, depth_prob: float, config: dict[str, Any], second: bool = False
) -> SwinTransformer:
    options: dict[str, Any] = {"patch_size": [4, 4], "window_size": [8, 8] if second else [7, 7]}
    options["stochastic_depth_prob"] = depth_prob
    if second:
        options |= {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}
    shape = {
        "embed_dim": width,
        "depths": [2, 2, depth, 2],
        "num_heads": [heads << stage for stage in range(4)],
    }
    return SwinTransformer(**shape, **{**options, **config})


@model(Swin_T_Weights)
def swin_t(**config: Any) -> SwinTransformer:
    """Swin transformer, tiny."""
    return _network(96, 6, 3, 0.2, config)


@model(Swin_S_Weights)
def swin_s(**config: Any) -> SwinTransformer:
    """Swin transformer, small."""
    return _network(96, 18, 3, 0.3, config)


@model(Swin_B_Weights)
def swin_b(**config: Any) -> SwinTransformer:
    """Swin transformer, base."""
    return _network(128, 18, 4, 0.5, config)


@model(Swin_V2_T_Weights)
def swin_v2_t(**config: Any) -> SwinTransformer:
    """Swin transformer v2, tiny."""
    return _network(96, 6, 3, 0.2, config, second=True)


@model(Swin_V2_S_Weights)
def swin_v2_s(**config: Any) -> SwinTransformer:
    """Swin transformer v2, small."""
    return _network(96, 18, 3, 0.3, config, second=True)


@model(Swin_V2_B_Weights)
def swin_v2_b(**config: Any) -> SwinTransformer:
    """Swin transformer v2, base."""
    return _network(128, 18, 4, 0.5, config, second=True)
