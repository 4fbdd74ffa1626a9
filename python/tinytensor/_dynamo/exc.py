"""What compiling raises in PyTorch. Programs catch these; nothing here raises them."""

__all__ = [
    "BackendCompilerFailed",
    "InternalTorchDynamoError",
    "TorchDynamoException",
    "TorchRuntimeError",
    "Unsupported",
    "UserError",
]


class TorchDynamoException(RuntimeError):
    """What all the others are."""


class Unsupported(TorchDynamoException):
    """The compiler does not know what to make of a part of a program."""


class InternalTorchDynamoError(TorchDynamoException):
    """The compiler itself is at fault."""


class TorchRuntimeError(TorchDynamoException):
    """An operation failed on the shapes that it was compiled for."""


class BackendCompilerFailed(TorchDynamoException):
    """A compiler of graphs failed."""


class UserError(Unsupported):
    """The compiler was used in a wrong way."""
