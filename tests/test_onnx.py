"""ONNX files: what stands in them, and how a program is recorded. Read and run here without the onnx package."""

from __future__ import annotations

import io
import math
import os
from typing import Any

import numpy as np
import onnx_support as support
import pytest
from util import MODULE, torch

pytestmark = pytest.mark.skipif(MODULE != "tinytensor", reason="PyTorch's files need the onnx package")

nn, F, onnx = torch.nn, torch.nn.functional, torch.onnx


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def exported(model: Any, *args: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    onnx.export(model, args, file, **options)
    return file.getvalue()


def dynamic(model: Any, *args: Any, axes: Any = (0,), **options: Any) -> bytes:
    names = [f"x{place}" for place in range(len(args))]
    titles = {name: {axis: f"{name}_{axis}" for axis in axes} for name in names}
    return exported(model, *args, input_names=names, dynamic_axes=titles, **options)


def check(model: Any, *args: Any, others: Any, axes: Any = (0,)) -> bytes:
    """The file gives the model's values for the example and for other sizes."""
    data = dynamic(model, *args, axes=axes)
    for given in (args, *others):
        wanted = model(*given)
        wanted = wanted if isinstance(wanted, (tuple, list)) else [wanted]
        found = support.run(data, **{f"x{place}": one.numpy() for place, one in enumerate(given)})
        for one, other in zip(found, wanted, strict=True):
            assert one.shape == tuple(other.shape)
            np.testing.assert_allclose(one, other.detach().numpy(), rtol=1e-4, atol=1e-6)
    return data


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Linear(4 * 9, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x)), inplace=True), 2)
        return F.log_softmax(self.out(x.view(x.size(0), -1)), dim=1)


# ---------------------------------------------------------------- what stands in a file


def test_nodes_ports_and_initializers() -> None:
    model = Small().eval()
    data = dynamic(model, torch.randn(2, 2, 6, 6), output_names=["logits"])
    read = support.read(data)
    assert (read.ir_version, read.opset) == (9, 20)
    assert read.kinds() == [
        *("Conv", "BatchNormalization", "Relu", "MaxPool", "Reshape", "Gemm", "LogSoftmax")
    ]
    assert read.inputs == {"x0": (1, ["x0_0", 2, 6, 6])}
    assert read.outputs == {"logits": (1, ["x0_0", 5])}
    state = model.state_dict()
    del state["norm.num_batches_tracked"]
    assert {name for name in read.initializers if not name.startswith("constant")} == set(state)
    for name, tensor in state.items():
        assert read.initializers[name].tobytes() == tensor.numpy().tobytes()
        assert read.initializers[name].shape == tuple(tensor.shape)
    conv = read.nodes[0]
    assert conv.inputs == ["x0", "conv.weight", "conv.bias"]
    assert conv.attributes["pads"] == [1, 1, 1, 1] and conv.attributes["group"] == 1
    assert read.nodes[1].attributes["epsilon"] == np.float32(1e-5)
    (shape,) = (tensor for name, tensor in read.initializers.items() if name.startswith("constant"))
    assert shape.tolist() == [-1, 36]


def test_types_of_tensors() -> None:
    types = [torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool]
    tensors = [torch.tensor([1, 0, 3]).to(dtype) for dtype in types]
    read = support.read(exported(lambda x: (x, *tensors), torch.ones(1)))
    assert [code for code, _ in read.outputs.values()] == [1, 11, 10, 7, 6, 2, 9]
    found = list(read.initializers.values())
    for one, tensor in zip(found, tensors, strict=True):
        assert one.dtype == tensor.numpy().dtype and one.tolist() == tensor.tolist()


def test_negative_and_large_numbers_in_attributes() -> None:
    read = support.read(exported(lambda x: x.flip(0).softmax(-1), torch.ones(2, 3)))
    assert -((1 << 63) - 1) in [int(value[0]) for value in read.initializers.values()]
    assert read.nodes[-1].attributes == {"axis": 1}


def test_tied_weights_are_written_once() -> None:
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(7, 3)
            self.head = nn.Linear(3, 7, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x):
            return self.head(self.embed(x))

    read = support.read(exported(Tied(), torch.tensor([[1, 2]])))
    assert list(read.initializers) == ["embed.weight"]


def test_what_depends_on_no_input_is_a_constant() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    read = support.read(exported(layer, torch.ones(1, 3)))
    assert read.kinds() == ["Gemm"]


def test_nothing_unused_stands_in_the_file() -> None:
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            self.unused(x)
            return self.used(x)

    assert list(support.read(exported(Model(), torch.ones(1, 2))).initializers) == [
        "used.weight",
        "used.bias",
    ]
    program = onnx.export(Model(), (torch.ones(1, 2),), optimize=False)
    assert support.read(program.to_bytes()).kinds() == ["Gemm", "Gemm"]


def test_inputs_in_containers_and_by_keyword() -> None:
    def model(x, pair, scale=1.0, *, more=None):
        return x + pair[0] * pair[1] * scale + more["a"]

    a, b, c, d = (torch.full((2,), float(value)) for value in range(4))
    for args, kwargs in (
        ((a, (b, c), 2.0), {"more": {"a": d}}),
        ((a, (b, c), 2.0, {"more": {"a": d}}), None),
    ):
        file = io.BytesIO()
        onnx.export(model, args, file, kwargs=kwargs)
        read = support.read(file.getvalue())
        assert list(read.inputs) == ["x", "pair_0", "pair_1", "more_a"]
        given = dict(zip(read.inputs, (one.numpy() for one in (a, b, c, d))))
        assert support.run(file.getvalue(), **given)[0].tolist() == [7.0, 7.0]


def test_names_of_results() -> None:
    def model(x):
        y = x + 1
        return y, y, x, y * 2

    data = exported(model, torch.zeros(2), output_names=["a", "b", "c"])
    assert list(support.read(data).outputs) == ["a", "b", "c", "mul"]
    assert support.read(data).kinds() == ["Add", "Mul", "Identity", "Identity"]
    assert [value.tolist() for value in support.run(data, x=np.zeros(2, "f4"))] == [
        [1, 1],
        [1, 1],
        [0, 0],
        [2, 2],
    ]


def test_a_tensor_given_twice_is_two_inputs() -> None:
    x = torch.ones(2)
    data = exported(lambda a, b: a - b, x, x)
    assert support.run(data, a=np.full(2, 5.0, "f4"), b=np.ones(2, "f4"))[0].tolist() == [4, 4]


def test_results_in_containers() -> None:
    data = exported(lambda x: {"a": x + 1, "b": (x, x + 1), "c": torch.ones(2)}, torch.zeros(2))
    assert [value.tolist() for value in support.run(data, x=np.zeros(2, "f4"))] == [
        [1, 1],
        [0, 0],
        [1, 1],
        [1, 1],
    ]


# ---------------------------------------------------------------- dynamic axes


@pytest.mark.parametrize(
    "model",
    [
        Small().eval(),
        lambda x: x.view(x.shape[0], 2, -1).transpose(1, 2) * x.size(0),
        lambda x: x.flatten(1)[:, 3:],
        lambda x: x.reshape(x.shape[0] * x.shape[1], -1),
        lambda x: torch.cat([torch.zeros(x.size(0), 1), x.mean((2, 3))], 1),
        lambda x: (x + torch.arange(x.size(0))[:, None, None, None]).sum((1, 2, 3)),
        lambda x: x[:, :1].expand(-1, 4, -1, -1),
        lambda x: x.sum() / x.numel(),
        lambda x: torch.relu(x).chunk(2, 1),
        lambda x: x.new_full((x.size(0), 1), 2.0) * x[:, 0, 0],
        lambda x: torch.ones(40)[: x.shape[0] // 2 + 1] - x.shape[0] % 3,
    ],
)
def test_another_batch_size(model: Any) -> None:
    check(model, torch.randn(2, 2, 6, 6), others=[(torch.randn(size, 2, 6, 6),) for size in (1, 5)])


def test_several_dynamic_axes() -> None:
    def model(x, y):
        batch, time, width = x.shape
        heads = x.view(batch, time, 2, width // 2).transpose(1, 2)
        scores = heads @ y.view(batch, -1, 2, width // 2).transpose(1, 2).transpose(-2, -1)
        mask = torch.tril(torch.ones(9, 9))[:time, : y.size(1)] == 0
        weights = scores.masked_fill(mask, -math.inf).softmax(-1)
        return weights.sum(1), weights.transpose(1, 2).reshape(batch, time, -1)

    others = [(torch.randn(3, 2, 4), torch.randn(3, 6, 4)), (torch.randn(1, 1, 4), torch.randn(1, 9, 4))]
    data = check(model, torch.randn(2, 3, 4), torch.randn(2, 4, 4), others=others, axes=(0, 1))
    assert [shape for _, shape in support.read(data).outputs.values()] == [
        ["x0_0", "x0_1", "x1_1"],
        ["x0_0", "x0_1", "reshape_2_axis_2"],
    ]


def test_example_of_size_one_does_not_decide() -> None:
    model = nn.Linear(3, 2)
    check(lambda x: model(x.squeeze(1)), torch.randn(1, 1, 3), others=[(torch.randn(4, 1, 3),)])


def test_a_program_with_a_largest_size() -> None:
    table = torch.randn(4, 2)

    def model(x):
        assert x.size(1) <= 4
        return x.unsqueeze(-1) + table[: x.size(1)]

    check(model, torch.randn(2, 4), others=[(torch.randn(3, 2),), (torch.randn(1, 4),)], axes=(0, 1))


def test_dynamic_shapes() -> None:
    class Named:
        def __init__(self, name):
            self.__name__ = name

    def model(x, y):
        return x + y.sum()

    x, y = torch.ones(2, 3), torch.ones(4)
    for shapes in (
        {"x": {0: "batch", 1: None}, "y": (Named("length"),)},
        (("batch", None), {0: Named("length")}),
    ):
        read = support.read(onnx.export(model, (x, y), dynamic_shapes=shapes).to_bytes())
        assert [shape for _, shape in read.inputs.values()] == [["batch", 3], ["length"]]
        assert [shape for _, shape in read.outputs.values()] == [["batch", 3]]


def test_names_of_axes_given_as_lists() -> None:
    read = support.read(
        exported(
            lambda x: x * 2,
            *(torch.ones(2, 3),),
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": [0], "y": [0]},
        )
    )
    assert read.inputs["x"][1] == ["x_dynamic_axes_1", 3]
    assert read.outputs["y"][1] == ["y_dynamic_axes_1", 3]


@pytest.mark.parametrize(
    "model",
    [
        lambda x: x * len(x),
        lambda x: x * int(x.size(0)),
        lambda x: x * (x.size(0) / 2),
        lambda x: sum(x[place] for place in range(x.size(0))),
        lambda x: sum(row for row in x),
        lambda x: x if x.size(0) == 2 else -x,
        lambda x: x.view(2, 3) + torch.zeros(2, 3),
        lambda x: x + torch.ones(2, 3),
        lambda x: x.split(1)[0],
    ],
)
def test_sizes_that_would_be_written_into_the_file(model: Any) -> None:
    with pytest.raises(onnx.OnnxExporterError):
        dynamic(model, torch.randn(2, 3))
    exported(model, torch.randn(2, 3))


# ---------------------------------------------------------------- changes in place


def _views(x):
    x = x * 1
    x[:, 0] += 1
    x[:, 1:] = x[:, :1] * 2
    return x


def _constant(x):
    total = torch.zeros(2, 3)
    total += x.sum(0)
    total *= 2
    return total


def _mask(x):
    x = x.clone()
    x[x < 0] = -1.0
    x.clamp_(max=1).add_(1)
    return x


@pytest.mark.parametrize("model", [_views, _constant, _mask])
def test_changes_in_place(model: Any) -> None:
    check(model, torch.randn(4, 2, 3), others=[(torch.randn(2, 2, 3),)])


def _stale_view(x):
    y = x * 1
    view = y.view(-1)
    y.add_(1)
    return view


def _constant_by_view(x):
    constant = torch.zeros(2, 3)
    constant[0].copy_(x[0])
    return constant + x


def _view_of_constant(x):
    constant = torch.zeros(2, 3)
    view = constant.view(-1)
    constant[0] = x[0]
    return view


@pytest.mark.parametrize("model", [_stale_view, _constant_by_view, _view_of_constant])
def test_changes_that_would_be_missed(model: Any) -> None:
    with pytest.raises(onnx.OnnxExporterError, match="view"):
        exported(model, torch.ones(2, 3))


def test_arguments_and_tensors_stay_as_they_are() -> None:
    x, constant = torch.ones(2), torch.zeros(2)

    def model(x):
        constant.add_(x)
        return x.mul_(3)

    exported(model, x)
    assert x.tolist() == [1, 1] and type(constant) is torch.Tensor
    assert constant[0].add_(1).item() == 2  # operators are as they were
    with pytest.raises(onnx.OnnxExporterError, match="parameter or buffer"):
        layer = nn.BatchNorm1d(2)
        layer.forward = lambda x: layer.running_mean.add_(x.mean(0))
        exported(layer, torch.ones(3, 2))


# ---------------------------------------------------------------- modes, numbers, errors


def test_modes_buffers_and_random_numbers_are_put_back() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2).eval())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    x, state = torch.randn(4, 3), torch.get_rng_state()
    kinds = {mode: support.read(exported(model, x, training=mode)).kinds() for mode in onnx.TrainingMode}
    assert kinds[onnx.TrainingMode.EVAL] == ["BatchNormalization", "Gemm"]
    assert kinds[onnx.TrainingMode.TRAINING] == kinds[onnx.TrainingMode.PRESERVE]
    assert "Dropout" in kinds[onnx.TrainingMode.TRAINING]
    assert [module.training for module in model] == [True, True, False]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


def test_random_numbers() -> None:
    read = support.read(exported(lambda x: x + torch.randn_like(x), torch.ones(2)))
    assert read.kinds() == ["RandomNormalLike", "Add"]
    with pytest.warns(onnx.errors.OnnxExporterWarning, match="random") as told:
        exported(lambda x: x + torch.randn(2), torch.ones(2))
    assert told[0].filename == __file__
    with pytest.warns(onnx.errors.OnnxExporterWarning, match="random") as told:
        dynamic(lambda x: x + torch.randn(2), torch.ones(3, 2))
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    "model",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * x.max().item(),
        lambda x: x * float(x.max()),
        lambda x: torch.from_numpy(x.numpy()),
        lambda x: torch.tensor(x.tolist()),
        lambda x: x[x > 0],
        lambda x: 3,
    ],
)
def test_values_do_not_decide(model: Any) -> None:
    with pytest.raises(onnx.OnnxExporterError):
        exported(model, torch.ones(2, 2))


def test_no_derivatives() -> None:
    def model(x):
        with torch.enable_grad():
            x = x.requires_grad_()
            return torch.autograd.grad((x**2).sum(), x)[0]

    with pytest.raises(RuntimeError, match="does not require grad"):
        exported(model, torch.ones(2))


def test_operators_without_a_counterpart() -> None:
    with pytest.raises(onnx.errors.UnsupportedOperatorError, match="'nonzero' in opset 20"):
        exported(lambda x: x.nonzero(), torch.ones(2))
    with pytest.raises(
        onnx.errors.UnsupportedOperatorError, match="'grid_sampler?' in opset 15.*from opset 16"
    ):
        exported(
            lambda x: F.grid_sample(x, torch.zeros(1, 2, 2, 2), align_corners=True),
            torch.ones(1, 1, 3, 3),
            opset_version=15,
        )
    with pytest.raises(onnx.errors.SymbolicValueError, match="divisor_override"):
        exported(lambda x: F.avg_pool2d(x, 2, divisor_override=3), torch.ones(1, 1, 4, 4))
    assert issubclass(onnx.errors.UnsupportedOperatorError, onnx.OnnxExporterError)
    assert issubclass(onnx.OnnxExporterError, RuntimeError)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"opset_version": 9}, ValueError, "10 to 20"),
        ({"opset_version": 21}, ValueError, "10 to 20"),
        ({"input_names": ["a", "b"]}, ValueError, "2 input_names for 1"),
        ({"output_names": ["a", "b"]}, ValueError, "2 output_names for 1"),
        ({"dynamic_axes": {"y": [0]}}, ValueError, "neither an input"),
        ({"dynamic_axes": {"input": [5]}}, ValueError, "no axis 5"),
        ({"dynamic_axes": {}, "dynamic_shapes": {}}, ValueError, "one of them"),
        ({"dynamic_shapes": {"y": {0: "n"}}}, ValueError, "no argument 'y'"),
        ({"report": True}, NotImplementedError, "report"),
        ({"verify": True}, NotImplementedError, "verify"),
        ({"profile": True}, NotImplementedError, "profile"),
        ({"dump_exported_program": True}, NotImplementedError, "dump"),
        ({"artifacts_dir": "x"}, NotImplementedError, "artifacts_dir"),
        ({"custom_translation_table": {abs: abs}}, NotImplementedError, "custom_translation_table"),
        ({"custom_opsets": {"a": 1}}, NotImplementedError, "custom_opsets"),
        ({"export_modules_as_functions": True}, NotImplementedError, "export_modules"),
        ({"autograd_inlining": False}, NotImplementedError, "autograd_inlining"),
        ({"operator_export_type": onnx.OperatorExportTypes.ONNX_ATEN}, NotImplementedError, "only ONNX"),
        ({"dynamo": False}, TypeError, "f, the file"),
        ({"strip_doc_string": True}, TypeError, "strip_doc_string"),
    ],
)
def test_options_that_cannot_be_honoured(options: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        onnx.export(nn.Linear(2, 2), (torch.ones(1, 2),), **options)


def test_folding_cannot_be_turned_off() -> None:
    with pytest.warns(onnx.errors.OnnxExporterWarning, match="do_constant_folding"):
        exported(nn.ReLU(), torch.ones(2), do_constant_folding=False)


# ---------------------------------------------------------------- files


def test_weights_beside_the_file(tmp_path) -> None:
    model, path = nn.Linear(30, 20), tmp_path / "model.onnx"
    program = onnx.export(model, (torch.ones(1, 30),), path)
    assert sorted(os.listdir(tmp_path)) == ["model.onnx", "model.onnx.data"]
    read = support.read(path.read_bytes())
    assert read.initializers["weight"] == {"location": "model.onnx.data", "offset": "0", "length": "2400"}
    assert read.initializers["bias"].tobytes() == model.bias.detach().numpy().tobytes()
    assert (tmp_path / "model.onnx.data").read_bytes() == model.weight.detach().numpy().tobytes()
    for place, options in enumerate(({"external_data": False}, {"dynamo": False})):
        onnx.export(model, (torch.ones(1, 30),), str(tmp_path / f"{place}.onnx"), **options)
        assert (tmp_path / f"{place}.onnx").read_bytes() == program.to_bytes()
    program.save(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == program.to_bytes()
    assert not os.path.exists(tmp_path / "again.onnx.data")
    with pytest.raises(TypeError, match="path"):
        program.save(io.BytesIO(), external_data=True)


def test_parameters_as_inputs() -> None:
    model, x = nn.Linear(3, 2), torch.ones(1, 3)
    names = {"weight", "bias"}
    kept = support.read(exported(model, x, keep_initializers_as_inputs=True))
    assert set(kept.inputs) == {"input", *names} and set(kept.initializers) == names
    without = exported(model, x, export_params=False)
    assert set(support.read(without).inputs) == {"input", *names} and not support.read(without).initializers
    weights = {name: 2 * tensor.numpy() for name, tensor in model.state_dict().items()}
    np.testing.assert_allclose(
        support.run(without, input=x.numpy(), **weights)[0], 2 * model(x).detach().numpy(), rtol=1e-6
    )


def test_what_is_returned_and_printed(capsys) -> None:
    assert onnx.export(nn.ReLU(), (torch.ones(2),), io.BytesIO(), dynamo=False) is None
    program = onnx.export(nn.ReLU(), torch.ones(2), verbose=True)
    assert isinstance(program, onnx.ONNXProgram)
    printed = capsys.readouterr().out
    assert printed == f"{program}\n"
    assert printed.startswith("graph ReLU(%input: float32[2]) -> (%relu: float32[2]), opset 20:")
    assert "%relu = Relu(%input)" in printed


def test_is_in_onnx_export() -> None:
    seen = []
    exported(lambda x: seen.append(onnx.is_in_onnx_export()) or x, torch.ones(1))
    assert seen == [True] and onnx.is_in_onnx_export() is False


def test_shapes_as_tensors() -> None:
    shape_as_tensor = onnx.operators.shape_as_tensor
    reshape = onnx.operators.reshape_from_tensor_shape
    assert shape_as_tensor(torch.ones(2, 3)).tolist() == [2, 3]
    assert reshape(torch.ones(2, 3), torch.tensor([3, 2])).shape == (3, 2)
    check(
        lambda x: reshape(x * 2, shape_as_tensor(x.flatten(1))),
        torch.randn(2, 3, 2),
        others=[(torch.randn(5, 3, 2),)],
    )
