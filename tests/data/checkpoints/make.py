"""Writes the recorded checkpoints beside this file. Run with PyTorch: `python make.py`."""

import collections
import pathlib
import warnings

import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


def contents():
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    marked = torch.ones(2)
    marked.note = "kept"
    state = collections.OrderedDict(
        base=base,
        row=base[1],
        transposed=base.t()[1:, ::2],
        parameter=nn.Parameter(torch.tensor([1.5, -2.5])),
        leaf=torch.ones(2, requires_grad=True),
        half=torch.tensor([0.5, 65504.0], dtype=torch.float16),
        bfloat=torch.tensor([1.0, 3.140625], dtype=torch.bfloat16),
        double=torch.tensor(1 / 3, dtype=torch.float64),
        long=torch.tensor([-(2**40), 7]),
        bool=torch.tensor([[True], [False]]),
        byte=torch.tensor([0, 255], dtype=torch.uint8),
        empty=torch.empty(0, 3),
        storage=base.storage(),
        marked=marked,
        dtype=torch.int16,
        size=base.shape,
        device=torch.device("cuda", 1),
        layout=torch.strided,
        plain=[1, -2.5, "text", b"\x00\xff", None, True, (3, 4), {5}, 2**70, {"key": bytearray(b"z")}, 1j],
    )
    state._metadata = {"": {"version": 1}}
    return state


def main():
    warnings.simplefilter("ignore")
    torch.save(contents(), HERE / "zip.pt")
    torch.save(contents(), HERE / "protocol4.pt", pickle_protocol=4)
    torch.save(contents(), HERE / "legacy.pt", _use_new_zipfile_serialization=False)

    torch.manual_seed(0)
    layers = collections.OrderedDict(first=nn.Linear(3, 4), act=nn.ReLU(), norm=nn.BatchNorm1d(4))
    model = nn.Sequential(layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.125)
    inputs = torch.linspace(-1, 1, 15).reshape(5, 3)
    model(inputs).square().sum().backward()
    optimizer.step()
    model.eval()
    torch.save(model, HERE / "module.pt")
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "output": model(inputs).detach()},
        HERE / "training.pt",
    )
    torch.save(torch.get_rng_state(), HERE / "generator.pt")

    for place in ("cuda:0", "mps"):
        torch.serialization.register_package(1, lambda storage, place=place: place, lambda *_: None)
        name = place.partition(":")[0]
        state = {"x": torch.tensor([1.0, 2.0])}
        torch.save(state, HERE / f"{name}.pt")
        torch.save(state, HERE / f"{name}_legacy.pt", _use_new_zipfile_serialization=False)
        torch.serialization._package_registry.pop(0)


if __name__ == "__main__":
    main()
