"""What programs say to a compiler that is not here."""

import pytest
from util import STAND_IN, torch

dynamo = pytest.importorskip(f"{torch.__name__}._dynamo")

pytestmark = pytest.mark.skipif(STAND_IN, reason="PyTorch compiles")


def test_functions_come_back_as_they_are():
    def twice(x):
        dynamo.graph_break()
        return 2 * x

    for mark in (
        dynamo.disable,
        dynamo.allow_in_graph,
        dynamo.assume_constant_result,
        dynamo.forbid_in_graph,
        dynamo.nonstrict_trace,
        dynamo.run,
    ):
        assert mark(twice) is twice
    assert dynamo.disable(recursive=False)(twice) is twice and dynamo.run()(twice) is twice
    assert twice(3) == 6 and not dynamo.is_compiling() and not dynamo.external_utils.is_compiling()
    with pytest.raises(AssertionError):
        dynamo.forbid_in_graph(3)
    dynamo.reset()


def test_marks_are_for_tensors():
    x = torch.ones(2, 3)
    dynamo.mark_dynamic(x, 0, min=2, max=5)
    dynamo.maybe_mark_dynamic(x, [0, 1])
    dynamo.mark_static(x)
    dynamo.mark_static_address(x, guard=True)
    assert dynamo.mark_static(torch.nn.Linear) is torch.nn.Linear
    for mark in (dynamo.mark_static_address, dynamo.mark_static, lambda x: dynamo.mark_dynamic(x, 0)):
        with pytest.raises(TypeError, match="expects a tensor"):
            mark(3)


def test_settings_are_checked_and_kept():
    config = dynamo.config
    with config.patch(verbose=True, recompile_limit=2):
        assert config.verbose and config.cache_size_limit == 2
        with config.patch("verbose", False):
            assert not config.verbose
        assert config.verbose
    assert not config.verbose and config.recompile_limit == config.cache_size_limit == 8
    config.cache_size_limit = 16
    assert config.recompile_limit == 16
    config.recompile_limit = 8
    assert config.cache_size_limit == 8

    @config.patch({"suppress_errors": True})
    def asked():
        return config.suppress_errors

    assert asked() and not config.suppress_errors
    for use in (
        lambda: config.nothing,
        lambda: setattr(config, "nothing", 1),
        lambda: config.patch(nothing=1).__enter__(),
    ):
        with pytest.raises(AttributeError, match=r"config\.nothing does not exist"):
            use()


def test_there_are_no_compiled_modules():
    model = torch.nn.Linear(1, 1)
    assert not isinstance(torch.compile(model), dynamo.OptimizedModule)
    with pytest.raises(NotImplementedError):
        dynamo.OptimizedModule(model)
    assert issubclass(dynamo.exc.Unsupported, dynamo.exc.TorchDynamoException)
    with pytest.raises(AttributeError, match=r"docs/compatibility\.md"):
        dynamo.explain


def test_indexing_by_a_tensor_under_vmap():
    from tinytensor._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex

    table = torch.arange(6).reshape(2, 3)
    with TransformGetItemToIndex():
        rows = torch.vmap(lambda i, j: table[i, j])(torch.tensor([1, 0]), torch.tensor([2, 1]))
    assert rows.tolist() == [5, 1]
