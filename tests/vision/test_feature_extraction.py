"""Values from inside a model: the names of nodes are torchvision's, the values those of the model."""

import copy
import pickle

import pytest
import tinytensor as torch
from tinytensor import nn
from tinytensor.vision import models
from tinytensor.vision.models.feature_extraction import create_feature_extractor, get_graph_node_names

PICTURES = torch.linspace(-1, 1, 2 * 3 * 64 * 64).view(2, 3, 64, 64)


@pytest.fixture(scope="module")
def resnet():
    return models.resnet18().eval()


def test_names_count_within_their_module(resnet):
    train, evaluation = get_graph_node_names(resnet)
    assert train == evaluation and len(train) == 70
    assert train[:12] == [
        *("x", "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1", "layer1.0.bn1", "layer1.0.relu"),
        *("layer1.0.conv2", "layer1.0.bn2", "layer1.0.add", "layer1.0.relu_1"),
    ]
    assert train[-3:] == ["avgpool", "flatten", "fc"]


@pytest.mark.parametrize("as_dict", [True, False], ids=["dict", "list"])
def test_values_are_those_of_the_model(resnet, as_dict):
    names = {"layer2": "deep", "avgpool": "pooled"} if as_dict else ["layer2", "avgpool"]
    kept = {}
    hooks = [
        module.register_forward_hook(lambda m, a, result, name=name: kept.__setitem__(name, result))
        for name, module in (("layer2", resnet.layer2), ("avgpool", resnet.avgpool))
    ]
    resnet(PICTURES)
    for hook in hooks:
        hook.remove()
    values = create_feature_extractor(resnet, names)(PICTURES)
    assert list(values) == (["deep", "pooled"] if as_dict else ["layer2", "avgpool"])
    for value, expected in zip(values.values(), kept.values(), strict=True):
        assert torch.equal(value, expected)


def test_parts_that_no_value_needs_are_left_out(resnet):
    extractor = create_feature_extractor(resnet, ["layer1.1.conv1"])
    assert [name for name, _ in extractor.named_children()] == ["conv1", "bn1", "relu", "maxpool", "layer1"]
    assert "layer1.1.conv2" not in dict(extractor.named_modules())
    assert next(extractor.parameters()) is resnet.conv1.weight


def test_training_and_evaluation_have_their_own_graphs():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head, self.extra = nn.Linear(2, 2), nn.Linear(2, 1), nn.Linear(2, 3)

        def forward(self, x):
            x = self.body(x)
            return (self.head(x), self.extra(x)) if self.training else self.head(x)

    net, x = Net(), torch.ones(1, 2)
    with pytest.warns(UserWarning, match="training and in evaluation mode differ"):
        create_feature_extractor(net, ["head"])
    both = create_feature_extractor(
        net, train_return_nodes={"extra": "out"}, eval_return_nodes={"head": "out"}
    )
    assert both.training and both(x)["out"].shape == (1, 3)
    assert both.eval()(x)["out"].shape == (1, 1) and both.train()(x)["out"].shape == (1, 3)
    assert net.training and net.body.training
    for other in (copy.deepcopy(both), pickle.loads(pickle.dumps(both))):
        assert other.eval()(x)["out"].shape == (1, 1) and both.training


def test_mistakes_are_told(resnet):
    with pytest.raises(ValueError, match="'layer9' is not present in model"):
        create_feature_extractor(resnet, ["layer9"])
    with pytest.raises(ValueError, match="Either return_nodes"):
        create_feature_extractor(resnet)
    with pytest.raises(ValueError, match="then both should be specified"):
        create_feature_extractor(resnet, train_return_nodes=["fc"])


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("vit_b_16", "heads.head"),
        ("swin_t", "head"),
        ("shufflenet_v2_x0_5", "fc"),
        ("convnext_tiny", "classifier.2"),
    ],
)
def test_models_with_sizes_in_their_programs_can_be_recorded(name, last):
    train, _ = get_graph_node_names(getattr(models, name)(), suppress_diff_warning=True)
    assert train[0] == "x" and train[-1] == last


def test_a_shifted_attention_computes_the_same_in_a_graph():
    net = models.SwinTransformer([4, 4], 12, [2, 2], [2, 2], [4, 4], num_classes=3).eval()
    extractor = create_feature_extractor(net, ["features.3", "head"])
    assert torch.equal(extractor(PICTURES)["head"], net(PICTURES))


def test_custom_leaves(resnet):
    names, _ = get_graph_node_names(resnet, tracer_kwargs={"leaf_modules": [models.resnet.BasicBlock]})
    assert "layer1.0" in names and "layer1.0.conv1" not in names
