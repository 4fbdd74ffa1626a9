"""Module: its attributes, walks, state, conversions and copies."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from util import STAND_IN, torch

from .peer import compare, outcome

nn = torch.nn


class Layer(nn.Module):
    """One of everything that a module can hold."""

    def __init__(self, inputs=3, outputs=2):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(float(inputs * outputs)).reshape(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("count", torch.ones(1))
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.register_parameter("nothing", None)
        self.plain = 3

    def forward(self, x):
        return x @ self.weight.t() + self.bias


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Layer()
        self.rest = nn.Sequential(Layer(2, 2), nn.ReLU())
        self.again = self.first

    def forward(self, x):
        return self.rest(self.first(x))


# ---------------------------------------------------------------- attributes


def test_attributes_find_parameters_buffers_and_modules():
    model = Model()
    assert model.first.weight is model.first._parameters["weight"]
    assert model.first.count is model.first._buffers["count"]
    assert model.rest is model._modules["rest"]
    assert model.first.plain == 3 and model.first.nothing is None
    with pytest.raises(AttributeError, match="'Model' object has no attribute 'missing'"):
        model.missing
    assert getattr(model, "missing", None) is None and not hasattr(model, "missing")


def test_a_class_attribute_and_a_property_come_before_members():
    class Shadowing(nn.Module):
        layer = "class"

        def __init__(self):
            super().__init__()
            self.inner = nn.Identity()
            self._modules["layer"] = nn.Identity()
            self._modules["computed"] = nn.Identity()

        @property
        def computed(self):
            return "property"

    module = Shadowing()
    assert module.layer == "class" and module.computed == "property"


def test_a_property_that_raises_attribute_error_is_not_found_elsewhere():
    class Broken(nn.Module):
        @property
        def value(self):
            raise AttributeError("inside")

    with pytest.raises(AttributeError):
        Broken().value


def test_wrappers_may_define_getattr():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    wrapper = Wrapper(Layer())
    assert wrapper.inner.plain == 3 and wrapper.plain == 3 and wrapper.weight is wrapper.inner.weight
    with pytest.raises(AttributeError, match="'Layer' object has no attribute 'nowhere'"):
        wrapper.nowhere


def test_call_may_be_overridden_and_forward_replaced():
    class Doubled(Layer):
        def __call__(self, x):
            return 2 * super().__call__(x)

    x = torch.ones(1, 3)
    assert torch.equal(Doubled()(x), 2 * Layer()(x))

    layer = Layer()
    layer.forward = lambda x: x + 1
    assert torch.equal(layer(x), x + 1)
    Late = type("Late", (Layer,), {})
    late = Late()
    late(x)
    Late.forward = lambda self, x: x - 1
    assert torch.equal(late(x), x - 1)
    Late.__call__ = lambda self, x: "called"
    assert late(x) == "called"
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(x)


def test_call_hands_on_arguments():
    class Arguments(nn.Module):
        def forward(self, *args, **kwargs):
            return args, kwargs

    module = Arguments()
    assert module() == ((), {}) and module(1, 2, a=3) == ((1, 2), {"a": 3})
    module.register_forward_hook(lambda *args: None)
    assert module() == ((), {}) and module(1, 2, a=3) == ((1, 2), {"a": 3})
    with pytest.raises(TypeError):
        Layer()()


def test_assignment_moves_names_between_kinds():
    module = nn.Module()
    module.x = 1
    module.x = nn.Parameter(torch.ones(2))
    assert "x" in module._parameters and "x" not in module.__dict__
    module.x = None
    assert module.x is None and "x" in module._parameters
    with pytest.raises(TypeError, match="as parameter 'x'"):
        module.x = nn.Identity()
    del module.x
    module.x = nn.Identity()
    module.x = nn.Parameter(torch.ones(1))
    assert "x" in module._parameters and "x" not in module._modules
    del module.x
    module.x = 4
    module.x = nn.Identity()
    assert "x" not in module.__dict__
    module.x = None
    with pytest.raises(TypeError, match="as child module 'x'"):
        module.x = nn.Buffer(torch.ones(1))
    del module.x
    module.x = nn.Buffer(torch.ones(1), persistent=False)
    assert "x" in module._buffers and "x" in module._non_persistent_buffers_set
    module.x = torch.zeros(3)
    assert module._buffers["x"].shape == (3,)
    del module.x
    assert not hasattr(module, "x") and not module._non_persistent_buffers_set
    module.y = torch.ones(1)
    assert "y" in module.__dict__


def test_wrong_assignments():
    model = Model()
    cases = [
        (TypeError, "as child module 'first'", lambda: setattr(model, "first", 3)),
        (TypeError, "as parameter 'weight'", lambda: setattr(model.first, "weight", torch.ones(1))),
        (TypeError, "as buffer 'count'", lambda: setattr(model.first, "count", 3)),
        (KeyError, "name can", lambda: model.register_parameter("a.b", None)),
        (KeyError, "empty string", lambda: model.register_buffer("", None)),
        (KeyError, "already exists", lambda: model.register_buffer("first", None)),
        (KeyError, "already exists", lambda: model.first.register_parameter("plain", None)),
        (TypeError, "should be a string", lambda: model.add_module(3, None)),
        (TypeError, "is not a Module subclass", lambda: model.add_module("z", 3)),
        (TypeError, "object to parameter", lambda: model.register_parameter("z", torch.ones(1))),
        (TypeError, "object to buffer", lambda: model.register_buffer("z", 3)),
        (AttributeError, "no attribute|^z$", lambda: delattr(model, "z")),
    ]
    for kind, text, call in cases:
        with pytest.raises(kind, match=text):
            call()


@pytest.mark.parametrize(
    "make", [lambda: nn.Parameter(torch.ones(1)), nn.Identity, lambda: nn.Buffer(torch.ones(1))]
)
def test_nothing_can_be_assigned_before_init(make):
    class Forgetful(nn.Module):
        def __init__(self):
            self.x = make()

    with pytest.raises(AttributeError, match="before Module.__init__"):
        Forgetful()


def test_init_takes_no_arguments():
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        nn.Module(3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'a'"):
        nn.Module(a=3)


def test_call_super_init_reaches_the_next_class():
    class Mixin:
        def __init__(self, value):
            self.value = value

    class Both(nn.Module, Mixin):
        call_super_init = True

    assert Both(5).value == 5


def test_dir_names_members():
    names = dir(Model().first)
    assert {"weight", "count", "forward", "plain"} <= set(names)
    assert not any(name[0].isdigit() for name in dir(nn.Sequential(nn.ReLU())))


# ---------------------------------------------------------------- parameters


def test_parameter():
    values = torch.ones(2)
    parameter = nn.Parameter(values)
    assert parameter.requires_grad and parameter.is_leaf and parameter.data_ptr() == values.data_ptr()
    assert not nn.Parameter(values, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    assert isinstance(parameter, torch.Tensor) and not isinstance(values, nn.Parameter)
    assert type(parameter + 1) is torch.Tensor and type(parameter.data) is torch.Tensor
    assert repr(parameter) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert not nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False).requires_grad
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(torch.ones(2, dtype=torch.int64))


def test_parameter_copies():
    parameter = nn.Parameter(torch.tensor([1.0, 2.0]), requires_grad=False)
    copied = copy.deepcopy(parameter)
    assert type(copied) is nn.Parameter and not copied.requires_grad and torch.equal(copied, parameter)
    assert copied.data_ptr() != parameter.data_ptr()
    shared = [parameter, parameter]
    first, second = copy.deepcopy(shared)
    assert first is second
    loaded = pickle.loads(pickle.dumps(parameter))
    assert type(loaded) is nn.Parameter and not loaded.requires_grad and torch.equal(loaded, parameter)


def test_buffer_is_a_marked_tensor():
    buffer = nn.Buffer(torch.ones(2))
    assert isinstance(buffer, nn.Buffer) and type(buffer) is torch.Tensor
    assert not isinstance(torch.ones(2), nn.Buffer) and not isinstance(buffer, nn.Parameter)


# ---------------------------------------------------------------- walks


def test_walks():
    model = Model()
    assert [name for name, _ in model.named_parameters()] == [
        "first.weight",
        "first.bias",
        "rest.0.weight",
        "rest.0.bias",
    ]
    assert len([*model.named_parameters(remove_duplicate=False)]) == 6
    assert [name for name, _ in model.first.named_parameters("p")] == ["p.weight", "p.bias"]
    assert [*model.parameters(recurse=False)] == []
    assert [name for name, _ in model.named_buffers()] == [
        "first.count",
        "first.scratch",
        "rest.0.count",
        "rest.0.scratch",
    ]
    assert [name for name, _ in model.named_modules()] == ["", "first", "rest", "rest.0", "rest.1"]
    assert [name for name, _ in model.named_modules(prefix="m", remove_duplicate=False)][-1] == "m.again"
    assert [name for name, _ in model.named_children()] == ["first", "rest"]
    assert [*model.children()] == [model.first, model.rest]
    assert len([*model.modules()]) == 5 and len([*model.buffers()]) == 4


def test_dotted_names():
    model = Model()
    assert model.get_submodule("") is model and model.get_submodule("rest.0") is model.rest[0]
    assert model.get_parameter("rest.0.bias") is model.rest[0].bias
    assert model.get_buffer("first.count") is model.first.count
    model.set_submodule("rest.1", nn.Tanh())
    assert isinstance(model.rest[1], nn.Tanh)
    for call in (
        lambda: model.get_submodule("rest.9"),
        lambda: model.get_submodule("first.weight"),
        lambda: model.get_parameter("first.count"),
        lambda: model.get_buffer("first.weight"),
        lambda: model.set_submodule("rest.9", nn.ReLU(), strict=True),
    ):
        with pytest.raises(AttributeError):
            call()
    with pytest.raises(ValueError, match="target name"):
        model.set_submodule("", nn.ReLU())
    with pytest.raises(ValueError, match="not an nn.Module"):
        model.set_submodule("first", 3)


def test_repr():
    assert repr(nn.Module()) == "Module()"
    expected = """Model(
  (first): Layer()
  (rest): Sequential(
    (0): Layer()
    (1): ReLU()
  )
  (again): Layer()
)"""
    assert repr(Model()) == expected

    class Described(Layer):
        def extra_repr(self):
            return "one, \ntwo"

    assert repr(Described()) == "Described(\n  one, \n  two\n)"


# ---------------------------------------------------------------- state


def test_state_dict_keys_memory_and_metadata():
    model = Model()
    state = model.state_dict()
    assert isinstance(state, OrderedDict)
    assert [*state] == [
        f"{path}.{name}" for path in ("first", "rest.0", "again") for name in ("weight", "bias", "count")
    ]
    assert not state["first.weight"].requires_grad
    state["first.bias"].fill_(7)
    assert model.first.bias[0] == 7
    assert model.state_dict(keep_vars=True)["first.bias"] is model.first.bias
    assert [*model.first.state_dict(prefix="p.")] == ["p.weight", "p.bias", "p.count"]
    assert state._metadata["rest.0"] == {"version": 1} and [*state._metadata][0] == ""
    mine = {}
    assert model.first.state_dict(destination=mine) is mine and len(mine) == 3


def test_load_state_dict():
    source, target = Model(), Model()
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.add_(1)
    before = target.first.weight
    assert repr(target.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    assert target.first.weight is before and torch.equal(before, source.first.weight)

    state = source.first.state_dict()
    layer = Layer().requires_grad_(False)
    layer.load_state_dict(state, assign=True)
    assert layer.weight.data_ptr() == state["weight"].data_ptr() and isinstance(layer.weight, nn.Parameter)
    assert not layer.weight.requires_grad


def test_load_state_dict_reports_everything_at_once():
    layer = Layer()
    state = {"weight": torch.ones(2, 2), "stray": torch.ones(1), "bias": 4}
    with pytest.raises(RuntimeError) as caught:
        layer.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Layer:\n"
        '\tMissing key(s) in state_dict: "count". \n'
        '\tUnexpected key(s) in state_dict: "stray". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([2, 2]) from checkpoint, "
        "the shape in current model is torch.Size([2, 3]).\n"
        '\tWhile copying the parameter named "bias", expected torch.Tensor or Tensor-like object '
        "from checkpoint but received <class 'int'>"
    )
    with pytest.raises(RuntimeError, match="size mismatch"):
        layer.load_state_dict(state, strict=False)
    result = layer.load_state_dict({"bias": torch.ones(2), "other.deep": torch.ones(1)}, strict=False)
    assert result.missing_keys == ["weight", "count"] and result.unexpected_keys == ["other.deep"]
    assert repr(result).startswith("_IncompatibleKeys(missing_keys=['weight'")
    with pytest.raises(TypeError, match="dict-like"):
        layer.load_state_dict(3)


def test_a_number_kept_as_a_vector_of_one_is_loaded():
    module = nn.Module()
    module.register_buffer("x", torch.tensor(0.0))
    module.load_state_dict({"x": torch.tensor([5.0])})
    assert module.x.shape == () and module.x == 5


def test_extra_state():
    class WithExtra(nn.Module):
        value = 1

        def get_extra_state(self):
            return {"value": self.value}

        def set_extra_state(self, state):
            self.value = state["value"]

    module = WithExtra()
    module.value = 9
    parent = nn.Sequential(module)
    assert parent.state_dict() == {"0._extra_state": {"value": 9}}
    other = nn.Sequential(WithExtra())
    other.load_state_dict(parent.state_dict())
    assert other[0].value == 9
    assert other.load_state_dict({}, strict=False).missing_keys == ["0._extra_state"]
    with pytest.raises(RuntimeError, match="Unexpected"):
        nn.Sequential(nn.ReLU()).load_state_dict(parent.state_dict())


def test_state_hooks():
    seen = []
    layer = Layer()
    parent = nn.Sequential(layer)

    def after_save(module, state, prefix, metadata):
        seen.append(("after save", module is layer, prefix))
        state[prefix + "more"] = torch.ones(1)

    def before_load(module, state, prefix, metadata, strict, missing, unexpected, errors):
        seen.append(("before load", module is layer, strict))
        state.pop(prefix + "more")

    def after_load(module, keys):
        seen.append(("after load", module is layer, keys.missing_keys == ["0.count"]))
        keys.missing_keys.clear()

    handles = [
        layer.register_state_dict_pre_hook(
            lambda module, prefix, keep: seen.append(("before save", prefix, keep))
        ),
        layer.register_state_dict_post_hook(after_save),
        layer.register_load_state_dict_pre_hook(before_load),
        layer.register_load_state_dict_post_hook(after_load),
    ]
    state = parent.state_dict()
    assert "0.more" in state
    del state["0.count"]
    parent.load_state_dict(state)
    assert seen == [
        ("before save", "0.", False),
        ("after save", True, "0."),
        ("before load", True, True),
        ("after load", True, True),
    ]
    for handle in handles:
        handle.remove()
    parent.load_state_dict(parent.state_dict())
    assert len(seen) == 4


def test_load_from_state_dict_may_be_overridden():
    class Renamed(Layer):
        def _load_from_state_dict(self, state_dict, prefix, *args):
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "old")
            super()._load_from_state_dict(state_dict, prefix, *args)

    state = Layer().state_dict()
    state["old"] = state.pop("weight")
    module = Renamed()
    module.load_state_dict(state)
    assert "old" in state


# ---------------------------------------------------------------- conversions


def test_to_and_its_kin():
    model = Model()
    model.first.register_buffer("steps", torch.ones(1, dtype=torch.int64))
    weight = model.first.weight
    weight.grad = torch.ones_like(weight)
    assert model.double() is model
    assert (
        model.first.weight is weight and weight.dtype == torch.float64 and weight.grad.dtype == torch.float64
    )
    assert model.first.count.dtype == torch.float64 and model.first.steps.dtype == torch.int64
    for change, dtype in (
        (lambda: model.half(), torch.float16),
        (lambda: model.bfloat16(), torch.bfloat16),
        (lambda: model.float(), torch.float32),
        (lambda: model.to(torch.float64), torch.float64),
        (lambda: model.to("cpu", torch.float32), torch.float32),
        (lambda: model.to(torch.ones(1, dtype=torch.float64)), torch.float64),
        (lambda: model.to(dtype=torch.float32, device=torch.device("cpu"), non_blocking=True), torch.float32),
        (lambda: model.to("cpu"), torch.float32),
        (lambda: model.cpu(), torch.float32),
        (lambda: model.type(torch.float64), torch.float64),
        (lambda: model.to_empty(device="cpu"), torch.float64),
    ):
        assert change() is model
        assert model.rest[0].weight.dtype == dtype and isinstance(model.rest[0].weight, nn.Parameter)
    with pytest.raises(TypeError, match="floating point"):
        model.to(torch.int64)
    with pytest.raises(TypeError):
        model.to(nonsense=3)


def test_apply_train_and_gradients():
    model = Model()
    seen = []
    assert model.apply(lambda module: seen.append(type(module).__name__)) is model
    assert seen[-1] == "Model" and seen[0] == "Layer"
    assert model.eval() is model and not any(module.training for module in model.modules())
    assert model.train().rest[0].training
    with pytest.raises(ValueError, match="boolean"):
        model.train(1)

    model(torch.ones(2, 3)).sum().backward()
    model.zero_grad(set_to_none=False)
    assert torch.equal(model.first.weight.grad, torch.zeros(2, 3))
    model.zero_grad()
    assert model.first.weight.grad is None
    assert model.requires_grad_(False) is model and not any(p.requires_grad for p in model.parameters())


def test_copies_are_independent_and_keep_sharing():
    model = Model()
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.again is copied.first and copied.first.weight is not model.first.weight
        assert torch.equal(copied.first.weight, model.first.weight)
        with torch.no_grad():
            copied.first.weight.zero_()
        assert model.first.weight.abs().sum() > 0
        copied(torch.ones(1, 3)).sum().backward()
        assert copied.first.weight.grad is not None and model.first.weight.grad is None


def test_old_pickles_get_what_they_lack():
    layer = Layer()
    state = {
        key: value
        for key, value in layer.__dict__.items()
        if "hooks" not in key or key in ("_forward_hooks", "_backward_hooks")
    }
    loaded = Layer.__new__(Layer)
    loaded.__setstate__(state)
    assert torch.equal(loaded(torch.ones(1, 3)), layer(torch.ones(1, 3)))
    loaded.register_forward_hook(lambda module, args, output: output * 0)
    assert loaded(torch.ones(1, 3)).sum() == 0
    again = pickle.loads(pickle.dumps(nn.Sequential(nn.ReLU())))
    assert again(torch.tensor([-1.0])) == 0


def test_compile_changes_nothing():
    layer = Layer()
    layer.compile() if not STAND_IN else None
    assert layer(torch.ones(1, 3)).shape == (1, 2)


# ---------------------------------------------------------------- against PyTorch


def test_a_training_step_is_pytorchs():
    def program(torch):
        nn = torch.nn
        model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Sequential(nn.Linear(7, 3), nn.Tanh()))
        x = torch.randn(4, 5)
        loss = (model(x) ** 2).mean()
        loss.backward()
        return [loss, model.state_dict(), [p.grad for p in model.parameters()], repr(model)]

    compare(program)


def test_errors_are_pytorchs():
    def program(torch):
        nn = torch.nn
        module = nn.Linear(2, 3)
        calls = [
            lambda: module.missing,
            lambda: setattr(module, "weight", 3),
            lambda: module.register_parameter("a.b", None),
            lambda: module.register_buffer("weight", None),
            lambda: module.add_module("", None),
            lambda: module.get_parameter("zz"),
            lambda: module.get_buffer("weight"),
            lambda: module.load_state_dict({}),
            lambda: module.load_state_dict({"weight": torch.ones(1), "x.y": torch.ones(1)}),
            lambda: module.to(torch.int32),
            lambda: nn.Module()(3),
        ]
        return [(type(result := outcome(call)).__name__, str(result)) for call in calls]

    compare(program)


def test_values_survive_numpy():
    layer = Layer()
    assert np.array_equal(layer.weight.detach().numpy(), np.arange(6.0).reshape(2, 3))
