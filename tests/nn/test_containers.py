"""Sequential, lists and dictionaries of modules and of parameters."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from util import torch

from .peer import compare, outcome

nn = torch.nn


def layers(count=3):
    return [nn.Linear(i + 1, i + 2) for i in range(count)]


def test_sequential_is_a_list():
    a, b, c = layers()
    model = nn.Sequential(a, b, c)
    assert len(model) == 3 and [*model] == [a, b, c] and model[-1] is c and b in [*model]
    assert [*model[1:]] == [b, c] and [*model[1:].state_dict()][0] == "1.weight"
    assert model(torch.ones(2, 1)).shape == (2, 4)
    extra = nn.ReLU()
    assert model.append(extra) is model and model[3] is extra
    assert model.insert(0, nn.Tanh()) is model and isinstance(model[0], nn.Tanh) and model[1] is a
    assert model.pop(0).__class__ is nn.Tanh and [*model] == [a, b, c, extra]
    del model[1]
    assert [*model] == [a, c, extra] and [*model._modules] == ["0", "1", "2"]
    del model[0:2]
    assert [*model] == [extra]
    model[0] = b
    assert [*model] == [b]
    assert [*(model + nn.Sequential(c))] == [b, c] and len(model) == 1
    model += nn.Sequential(c)
    assert [*model * 2] == [b, c, b, c] and [*2 * model] == [b, c, b, c]
    model *= 2
    assert len(model.extend([a])) == 5


def test_sequential_of_names():
    model = nn.Sequential(OrderedDict(hidden=nn.Linear(2, 3), out=nn.Linear(3, 1)))
    assert [*model.state_dict()] == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert model.hidden is model[0] and model(torch.ones(1, 2)).shape == (1, 1)
    assert nn.Sequential()(5) == 5


def test_module_list():
    a, b, c = layers()
    modules = nn.ModuleList([a, b])
    assert modules.append(c) is modules and [*modules] == [a, b, c] and modules[-1] is c
    assert isinstance(modules[:2], nn.ModuleList) and len(modules[:2]) == 2
    modules.insert(1, nn.ReLU())
    assert isinstance(modules[1], nn.ReLU) and modules[2] is b
    assert modules.pop(1).__class__ is nn.ReLU and [*modules] == [a, b, c]
    del modules[0]
    assert [*modules] == [b, c] and [*modules._modules] == ["0", "1"]
    modules[0] = a
    assert [*(modules + [b])] == [a, c, b] and len(modules.extend([b])) == 3
    modules += [b]
    assert len(modules) == 4
    with pytest.raises(NotImplementedError):
        modules(3)


def test_module_dict():
    modules = nn.ModuleDict({"a": nn.ReLU()})
    modules["b"] = nn.Linear(1, 1)
    modules.update([("c", nn.Tanh())])
    assert [*modules] == ["a", "b", "c"] == [*modules.keys()] and len(modules) == 3 and "a" in modules
    assert [name for name, _ in modules.items()] == [*modules.keys()] and len([*modules.values()]) == 3
    assert isinstance(modules.pop("a"), nn.ReLU) and "a" not in modules
    del modules["c"]
    assert [*modules.state_dict()] == ["b.weight", "b.bias"]
    modules.clear()
    assert len(modules) == 0


def test_parameter_list():
    parameters = nn.ParameterList([torch.ones(2), nn.Parameter(torch.ones(1)), "text"])
    assert [type(p) for p in parameters] == [nn.Parameter, nn.Parameter, str]
    parameters[0] = torch.zeros(3)
    assert parameters[0].shape == (3,) and parameters[0].requires_grad
    assert len(parameters.append(torch.ones(4))) == 4 and len(parameters[1:3]) == 2
    parameters += [torch.ones(1)]
    assert [*parameters.state_dict()] == ["0", "1", "3", "4"]
    assert len([*parameters.parameters()]) == 4
    with pytest.raises(RuntimeError, match="should not be called"):
        parameters(3)


def test_parameter_dict():
    parameters = nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.ones(1)), "n": 3})
    assert [*parameters] == ["a", "b", "n"] and parameters["b"].requires_grad and len(parameters) == 3
    assert [*nn.ParameterDict(OrderedDict(b=torch.ones(1), a=torch.ones(1)))] == ["b", "a"]
    parameters["c"] = torch.zeros(3)
    assert parameters.get("zz", 4) == 4 and parameters.setdefault("n") == 3 and "c" in parameters
    assert parameters.pop("n") == 3 and parameters.popitem()[0] == "c"
    assert [*(parameters | {"d": torch.ones(1)})] == ["a", "b", "d"] and [*reversed(parameters)] == ["b", "a"]
    parameters |= {"e": torch.ones(1)}
    assert [*parameters.copy()] == ["a", "b", "e"]
    assert [*parameters.state_dict()] == ["b", "a", "e"] or [*parameters.state_dict()] == ["a", "b", "e"]
    del parameters["e"]
    assert dict(parameters.items()).keys() == {"a", "b"} and len([*parameters.values()]) == 2
    parameters.clear()
    assert len(parameters) == 0 and [*parameters.parameters()] == []


def test_repr_is_pytorchs():
    def program(torch):
        nn = torch.nn
        block = lambda: nn.Sequential(nn.Linear(1, 1), nn.ReLU())  # noqa: E731
        return [
            repr(module)
            for module in (
                nn.Sequential(),
                nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(1, 2))),
                nn.ModuleList(),
                nn.ModuleList([nn.Linear(2, 2) for _ in range(3)] + [nn.ReLU(), nn.Linear(2, 2)]),
                nn.ModuleList([block(), block(), nn.ReLU()]),
                nn.ModuleList([nn.ModuleList([nn.ReLU()] * 2)] * 2),
                nn.ModuleDict({"a": nn.ReLU(), "b": block()}),
                nn.ModuleDict(),
                nn.ParameterList([torch.zeros(2, 3), nn.Parameter(torch.ones(2)), "x", None]),
                nn.ParameterList(),
                nn.ParameterDict({"b": torch.zeros(2, dtype=torch.float64), "a": 3}),
            )
        ]

    compare(program)


def test_errors_are_pytorchs():
    def program(torch):
        nn = torch.nn
        model = nn.Sequential(nn.ReLU(), nn.Linear(1, 1))
        modules = nn.ModuleList([nn.ReLU()])
        named = nn.ModuleDict({"a": nn.ReLU()})
        parameters = nn.ParameterList([torch.ones(1)])
        dictionary = nn.ParameterDict({"a": torch.ones(1)})
        calls = [
            lambda: model[2],
            lambda: model[-3],
            lambda: model["a"],
            lambda: model.append(3),
            lambda: model.insert(9, nn.ReLU()),
            lambda: model.insert(0, 3),
            lambda: model.pop(7),
            lambda: model * 0,
            lambda: model * 1.5,
            lambda: model + 3,
            lambda: nn.Sequential(3),
            lambda: model(1, 2),
            lambda: setattr(model, "0", 3),
            lambda: modules[1],
            lambda: modules.append(3),
            lambda: modules.extend(3),
            lambda: modules + nn.ReLU(),
            lambda: named["z"],
            lambda: named.pop("z"),
            lambda: named.update(3),
            lambda: named.update([("a",)]),
            lambda: named.update([(3, nn.ReLU())]),
            lambda: nn.ModuleDict({"keys": nn.ReLU()}),
            lambda: parameters[1],
            lambda: parameters.extend(3),
            lambda: dictionary["zz"],
            lambda: dictionary.update(3),
            lambda: nn.ParameterDict({"a.b": torch.ones(1)}),
            lambda: dictionary(3),
        ]
        return [type(outcome(call)).__name__ for call in calls]

    compare(program)
