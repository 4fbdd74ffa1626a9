"""Instance normalisation."""

from __future__ import annotations

import warnings
from typing import Any

from tinytensor._C import Tensor
from tinytensor.nn.functional.normalization import instance_norm
from tinytensor.nn.modules.batchnorm import _LazyNormBase, _NormBase

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    _unbatched_rank: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        rank = self._unbatched_rank
        if input.ndim not in (rank, rank + 1):
            raise ValueError(f"expected {rank}D or {rank + 1}D input (got {input.ndim}D input)")

    def _check_channels(self, input: Tensor) -> None:
        at = input.ndim - self._unbatched_rank
        found = input.size(at)
        if found == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={at} to match num_features ({self.num_features}), but got: {found}."
            )
        warnings.warn(
            f"input's size at dim={at} does not match num_features ({self.num_features}), but got: {found}. "
            "num_features is not used when affine=False.",
            stacklevel=3,
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        self._check_channels(input)
        if input.ndim == self._unbatched_rank:
            return self._normalise(input.unsqueeze(0)).squeeze(0)
        return self._normalise(input)

    def _normalise(self, input: Tensor) -> Tensor:
        buffers, parameters = self._buffers, self._parameters
        return instance_norm(
            input,
            buffers["running_mean"],
            buffers["running_var"],
            parameters["weight"],
            parameters["bias"],
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )

    def _load_from_state_dict(
        self,
        state_dict: dict,
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list,
        unexpected_keys: list,
        error_msgs: list,
    ) -> None:
        """Version 1 of the format kept running statistics by default."""
        version = local_metadata.get("version")
        if version is None and not self.track_running_stats:
            held = [prefix + name for name in ("running_mean", "running_var") if prefix + name in state_dict]
            if held:
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {' and '.join(map(repr, held))} for {type(self).__name__} with "
                    "track_running_stats=False: make it with track_running_stats=True, or delete them"
                )
                for name in held:
                    del state_dict[name]
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class _LazyInstanceNorm(_LazyNormBase, _InstanceNorm):
    def initialize_parameters(self, input: Tensor) -> None:
        """Take the number of channels from the first input, which may have no batch."""
        super().initialize_parameters(input if input.ndim > self._unbatched_rank else input.unsqueeze(0))


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample of (N, C, L) or (C, L) less its mean, divided by its standard deviation."""

    _unbatched_rank = 2


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample of (N, C, H, W) or (C, H, W), normalised."""

    _unbatched_rank = 3


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each sample of (N, C, D, H, W) or (C, D, H, W), normalised."""

    _unbatched_rank = 4


class LazyInstanceNorm1d(_LazyInstanceNorm):
    """An InstanceNorm1d that takes num_features from its first input."""

    cls_to_become = InstanceNorm1d
    _unbatched_rank = 2


class LazyInstanceNorm2d(_LazyInstanceNorm):
    """An InstanceNorm2d that takes num_features from its first input."""

    cls_to_become = InstanceNorm2d
    _unbatched_rank = 3


class LazyInstanceNorm3d(_LazyInstanceNorm):
    """An InstanceNorm3d that takes num_features from its first input."""

    cls_to_become = InstanceNorm3d
    _unbatched_rank = 4
