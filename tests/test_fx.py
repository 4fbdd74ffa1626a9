"""Programs as graphs: what is recorded, what the code says, and that it computes the same."""

import copy
import math
import operator
import pickle

import pytest
import tinytensor as torch
from tinytensor import fx, nn
from tinytensor.fx.proxy import TraceError
from tinytensor.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 5)
        self.weight = nn.Parameter(torch.ones(3, 4))
        self.register_buffer("shift", torch.full((5,), 0.5))
        self.tail = nn.Sequential(nn.ReLU(), nn.Linear(5, 2))

    def forward(self, x, scale=3, *, flip=False):
        hidden = self.linear(x + self.weight).clamp(min=0.0, max=1.0) + self.shift
        left, right = torch.split(hidden, [2, 3], dim=-1)
        out = torch.cat([F.relu(self.tail(hidden), inplace=True), left, right], 1)[:, 0]
        out = -out + 2 * out - (1 / (out + 4)) + out.shape[0] * scale
        return {"out": out, "more": [left, (right.size(0), out.T)]}


def positions(net):
    """Op and target of every node."""
    return [(node.op, node.target) for node in fx.symbolic_trace(net).graph.nodes]


def test_the_recorded_module_computes_the_same():
    net, x = Net(), torch.randn(3, 4)
    recorded = fx.symbolic_trace(net)
    expected, result = net(x, 2), recorded(x, 2)
    assert torch.equal(result["out"], expected["out"])
    assert torch.equal(result["more"][0], expected["more"][0]) and result["more"][1][0] == 3
    assert torch.equal(recorded(x)["out"], net(x)["out"])
    assert list(recorded.state_dict()) == [
        "weight",
        "shift",
        "linear.weight",
        "linear.bias",
        "tail.1.weight",
        "tail.1.bias",
    ]


def test_gradients_reach_the_shared_parameters():
    net = Net()
    fx.symbolic_trace(net)(torch.randn(3, 4))["out"].sum().backward()
    assert net.weight.grad is not None and net.tail[1].weight.grad is not None


def test_each_kind_of_node():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.p = nn.Parameter(torch.ones(2))
            self.inner = nn.Sequential(nn.Linear(2, 2))

        def forward(self, x, y=1):
            return torch.relu(self.inner(x)).mul(self.p) + y

    graph = fx.symbolic_trace(Small()).graph
    assert str(graph) == (
        "graph():\n"
        "    %x : [num_users=1] = placeholder[target=x]\n"
        "    %y : [num_users=1] = placeholder[target=y](default=1)\n"
        "    %inner_0 : [num_users=1] = call_module[target=inner.0](args = (%x,), kwargs = {})\n"
        "    %relu : [num_users=1] = call_function[target=torch.relu](args = (%inner_0,), kwargs = {})\n"
        "    %p : [num_users=1] = get_attr[target=p]\n"
        "    %mul : [num_users=1] = call_method[target=mul](args = (%relu, %p), kwargs = {})\n"
        "    %add : [num_users=1] = call_function[target=operator.add](args = (%mul, %y), kwargs = {})\n"
        "    return add"
    )
    assert [node.op for node in graph.nodes][-1] == "output"
    graph.lint()


def test_the_code_is_python():
    code = fx.symbolic_trace(
        lambda x, y: {"a": (x @ y)[1:, None] ** 2, "b": [x.T, torch.float32, math.inf]}
    ).code
    assert code == (
        "\n\n\ndef forward(self, x, y):\n"
        "    matmul = x @ y;  y = None\n"
        "    getitem = matmul[(slice(1, None, None), None)];  matmul = None\n"
        "    pow_1 = getitem ** 2;  getitem = None\n"
        "    getattr_1 = x.T;  x = None\n"
        "    return {'a': pow_1, 'b': [getattr_1, torch.float32, inf]}\n    "
    )


def test_stars_and_keywords_of_the_arguments():
    recorded = fx.symbolic_trace(lambda a, *rest, b=2, **more: a * b + rest[0] + more["c"])
    assert recorded(torch.tensor(2.0), 3, torch.tensor(1.0), c=10).item() == 17
    assert [node.target for node in recorded.graph.find_nodes(op="placeholder")] == [
        "a",
        "b",
        "*rest",
        "**more",
    ]


def test_tensors_that_the_module_does_not_have_become_constants():
    constant = torch.tensor([1.0, 2.0])
    recorded = fx.symbolic_trace(lambda x: x + constant)
    assert ("get_attr", "_tensor_constant0") in [(n.op, n.target) for n in recorded.graph.nodes]
    assert recorded(torch.zeros(2)).tolist() == [1, 2]


def test_concrete_arguments_are_decided_once():
    def program(x, double):
        if double:
            return x * 2
        return x

    assert fx.symbolic_trace(program, concrete_args={"double": True})(torch.ones(1)).item() == 2
    with pytest.raises(RuntimeError, match="concrete_args names"):
        fx.symbolic_trace(program, concrete_args={"triple": True})


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, TraceError, "control flow"),
        (lambda x: [row for row in x], TraceError, "cannot be iterated"),
        (lambda x: len(x), RuntimeError, "'len' is not supported"),
        (lambda x: range(x), TypeError, "integer"),
    ],
    ids=["if", "loop", "len", "range"],
)
def test_what_cannot_be_recorded_is_told(program, error, message):
    with pytest.raises(error, match=message):
        fx.symbolic_trace(program)


def test_nothing_stays_patched_after_an_error():
    net = nn.Sequential(nn.ReLU(), nn.Linear(2, 2))
    relu, before = F.relu, dict(vars(net[0]))

    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            return F.relu(self.net(x)) if x else x

    with pytest.raises(TraceError):
        fx.symbolic_trace(Failing())
    assert F.relu is relu and vars(net[0]) == before and "_hooked" not in vars(net)
    assert net(torch.ones(2)).shape == (2,)


def leaf_by_name(x):
    return x * 2 if x.sum() > 0 else x


fx.wrap("leaf_by_name")
fx.wrap("sorted")


def test_wrapped_functions_are_one_node():
    recorded = fx.symbolic_trace(lambda x: leaf_by_name(x) * sorted(x)[0] + math.floor(x))
    assert [n.target.__name__ for n in recorded.graph.find_nodes(op="call_function")] == [
        "leaf_by_name", "sorted", "getitem", "mul", "floor", "add",
    ]  # fmt: skip
    assert recorded(torch.tensor([3.0])).item() == 21
    assert leaf_by_name(torch.tensor(-1.0)).item() == -1 and "sorted" not in globals()


def test_wrap_belongs_at_module_scope():
    with pytest.raises(NotImplementedError, match="top level"):
        fx.wrap("leaf_by_name")
    with pytest.raises(RuntimeError, match="name of a function"):
        fx.wrap(3)


def test_a_tracer_decides_what_is_one_node():
    class Deep(fx.Tracer):
        def is_leaf_module(self, m, module_qualified_name):
            return isinstance(m, nn.Linear)

    net = nn.Sequential(nn.Linear(2, 2), nn.GELU())
    graph = Deep().trace(net)
    assert [node.target for node in graph.find_nodes(op="call_module")] == ["0"]
    assert [node.name for node in graph.find_nodes(op="call_function")] == ["gelu"]
    x = torch.randn(3, 2)
    assert torch.equal(fx.GraphModule(net, graph)(x), net(x))


def test_forward_hooks_run_inside_a_module_that_is_looked_into():
    net = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Identity())
    net[0].register_forward_hook(lambda module, args, result: result * 3)
    assert fx.symbolic_trace(net)(torch.ones(1)).item() == 3


# ---------------------------------------------------------------- changing graphs


def test_replacing_a_function():
    recorded = fx.symbolic_trace(lambda x: torch.relu(x + 1) * 2)
    for node in recorded.graph.find_nodes(op="call_function", target=torch.relu):
        with recorded.graph.inserting_after(node):
            new = recorded.graph.call_function(torch.sigmoid, node.args)
        assert node.replace_all_uses_with(new) == [new.next]
        recorded.graph.erase_node(node)
    recorded.recompile()
    recorded.graph.lint()
    assert recorded(torch.tensor(-1.0)).item() == 1.0
    assert "relu" not in recorded.code


def test_inserting_at_a_place():
    graph = fx.Graph()
    x = graph.placeholder("x")
    out = graph.output(x)
    with graph.inserting_before(out):
        a = graph.call_function(torch.exp, (x,))
        graph.call_method("neg", (a,))
    with graph.inserting_after(x):
        graph.call_function(operator.add, (x, 1))
        graph.call_function(operator.mul, (x, 2))
    assert [node.name for node in graph.nodes] == ["x", "mul", "add", "exp", "neg", "output"]
    assert len(graph.nodes) == 6 and [n.name for n in reversed(graph.nodes)][0] == "output"


def test_names_are_given_once_and_are_no_keywords():
    graph = fx.Graph()
    names = [graph.placeholder(name).name for name in ("x", "x", "x_1", "lambda", "max", "a.b", "0", "_")]
    assert len(set(names)) == len(names)
    assert (
        names[:3] == ["x", "x_1", "x_2"]
        and names[3] == "lambda_1"
        and names[4] == "max_1"
        and names[5] == "a_b"
    )
    assert all(name.isidentifier() for name in names)


def test_arguments_know_their_users():
    graph = fx.Graph()
    x, y = graph.placeholder("x"), graph.placeholder("y")
    total = graph.call_function(torch.add, (x, [y, {"k": x}]), {"alpha": y})
    assert total.all_input_nodes == [x, y] and list(x.users) == [total]
    total.args = (x, 1)
    total.kwargs = {}
    assert not y.users and list(x.users) == [total]
    total.update_arg(1, y)
    total.update_kwarg("alpha", 3)
    total.insert_arg(0, y)
    assert total.args == (y, x, y) and total.kwargs == {"alpha": 3}
    total.replace_input_with(y, x)
    assert total.args == (x, x, x) and not y.users


def test_mistakes_with_nodes_are_told():
    graph, other = fx.Graph(), fx.Graph()
    x, foreign = graph.placeholder("x"), other.placeholder("z")
    use = graph.call_function(torch.exp, (x,))
    with pytest.raises(RuntimeError, match="still had 1 users"):
        graph.erase_node(x)
    with pytest.raises(RuntimeError, match="another graph"):
        graph.call_function(torch.exp, (foreign,))
    with pytest.raises(RuntimeError, match="another graph"):
        graph.erase_node(foreign)
    with pytest.raises(ValueError, match="op must be one of"):
        graph.create_node("call", torch.exp)
    with pytest.raises(ValueError, match="must be callable"):
        graph.call_function("exp")
    with pytest.raises(ValueError, match="must be a str"):
        graph.call_method(torch.exp)
    with pytest.raises(ValueError, match="two graphs"):
        x.append(foreign)
    x.prepend(use)
    with pytest.raises(RuntimeError, match="before it is made"):
        graph.lint()


def test_lint_finds_missing_modules():
    net = fx.symbolic_trace(nn.Sequential(nn.ReLU()))
    net.delete_submodule("0")
    with pytest.raises(RuntimeError, match="there is no 0"):
        net.graph.lint()


def test_dead_code_goes_and_effects_stay():
    def program(x):
        _ = x * 3
        x.add_(1)
        return x + 1

    graph = fx.symbolic_trace(program).graph
    assert graph.eliminate_dead_code() and not graph.eliminate_dead_code()
    assert [node.name for node in graph.nodes] == ["x", "add_", "add", "output"]


def test_copies_are_apart():
    recorded = fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    x = torch.randn(3, 2)
    for other in (copy.deepcopy(recorded), pickle.loads(pickle.dumps(recorded))):
        assert type(other).__name__ == "Sequential" and other.code == recorded.code
        assert torch.equal(other(x), recorded(x))
        other.get_submodule("0").weight.data.zero_()
        other.graph.erase_node(other.graph.find_nodes(op="output")[0])
    assert recorded(x).abs().sum() > 0 and recorded.graph.find_nodes(op="output")


def test_copying_into_another_graph():
    source = fx.symbolic_trace(lambda x: torch.relu(x) + 1).graph
    graph, pairs = fx.Graph(), {}
    graph.output(graph.graph_copy(source, pairs))
    assert fx.GraphModule(nn.Module(), graph)(torch.tensor(2.0)).item() == 3
    assert len(pairs) == 3


def test_modules_from_parts():
    graph = fx.Graph()
    graph.output(graph.call_module("a.b", (graph.placeholder("x"),)))
    net = fx.GraphModule({"a.b": nn.ReLU()}, graph, "Made")
    assert net(torch.tensor(-1.0)).item() == 0 and repr(net).startswith(
        "Made(\n  (a): Module(\n    (b): ReLU()"
    )
    with pytest.raises(RuntimeError, match="not among the root's entries"):
        fx.GraphModule({}, graph)
    with pytest.raises(RuntimeError, match="the root has no a"):
        fx.GraphModule(nn.Module(), graph)


def test_submodules_come_and_go():
    net = fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU())))
    assert net.add_submodule("extra.deep", nn.Tanh()) and "extra.deep" in dict(net.named_modules())
    net.delete_all_unused_submodules()
    assert [name for name, _ in net.named_modules()] == ["", "0", "1", "1.0"]
    assert (
        net.delete_submodule("1.0")
        and not net.delete_submodule("1.0")
        and not net.delete_submodule("none.at.all")
    )


def test_readable_forms(capsys):
    recorded = fx.symbolic_trace(lambda x: x.relu())
    text = recorded.print_readable()
    recorded.graph.print_tabular()
    printed = capsys.readouterr().out
    assert text in printed and "class <lambda>" in text or "def forward(self, x):" in text
    rows = [line.split() for line in printed.splitlines()]
    assert ["call_method", "relu", "relu", "(x,)", "{}"] in rows


# ---------------------------------------------------------------- running graphs


def test_an_interpreter_sees_every_node():
    seen = []

    class Watching(fx.Interpreter):
        def run_node(self, n):
            result = super().run_node(n)
            seen.append(n.name)
            return result

        def call_method(self, target, args, kwargs):
            return super().call_method("abs" if target == "neg" else target, args, kwargs)

    recorded = fx.symbolic_trace(lambda x, y=2: x.neg() * y)
    assert Watching(recorded).run(torch.tensor(-3.0)).item() == 6
    assert seen == ["x", "y", "neg", "mul", "output"]
    with pytest.raises(RuntimeError, match="parameter x, but one was not passed"):
        fx.Interpreter(recorded).run()


def test_an_interpreter_lets_values_go():
    recorded = fx.symbolic_trace(lambda x: (x + 1) * 2)
    interpreter = fx.Interpreter(recorded)
    assert interpreter.run(torch.tensor(1.0)).item() == 4
    assert [node.name for node in interpreter.env] == ["output"]
    keeping = fx.Interpreter(recorded, garbage_collect_values=False)
    keeping.run(torch.tensor(1.0))
    assert len(keeping.env) == 4


def test_a_transformer_makes_a_module():
    class Softer(fx.Transformer):
        def call_function(self, target, args, kwargs):
            return super().call_function(torch.sigmoid if target is torch.relu else target, args, kwargs)

    net = nn.Sequential(nn.Linear(2, 2))
    recorded = fx.symbolic_trace(lambda x: torch.relu(x) + 1)
    assert Softer(recorded).transform()(torch.zeros(1)).item() == 1.5
    assert torch.equal(fx.Transformer(fx.symbolic_trace(net)).transform()(torch.ones(2)), net(torch.ones(2)))


def test_fusing_batch_norm_as_programs_do():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval()
    net[1].running_mean.add_(0.3)
    recorded = fx.symbolic_trace(net)
    modules = dict(recorded.named_modules())
    for node in list(recorded.graph.nodes):
        if node.op == "call_module" and isinstance(modules[node.target], nn.BatchNorm2d):
            conv = modules[node.args[0].target]
            setattr(recorded, node.args[0].target, nn.utils.fuse_conv_bn_eval(conv, modules[node.target]))
            node.replace_all_uses_with(node.args[0])
            recorded.graph.erase_node(node)
    recorded.recompile()
    recorded.delete_all_unused_submodules()
    x = torch.randn(1, 1, 5, 5)
    assert torch.allclose(recorded(x), net(x), atol=1e-6) and len(recorded.graph.nodes) == 4
