"""The picture networks: parameters and keys as published, arguments for weights, torchvision's values."""

import copy
import hashlib
import pickle
import urllib.error
import warnings
from pathlib import Path

import numpy as np
import pytest
import tinytensor
from tinytensor import hub, nn
from tinytensor.vision import models
from tinytensor.vision.models._api import BUILTIN_MODELS, register_model
from tinytensor.vision.models._utils import IntermediateLayerGetter

# Per model: parameters, length of the state_dict, and the beginning of the SHA-256 of its keys and shapes.
_FACTS = {
    name: (int(parameters), int(length), digest)
    for name, parameters, length, digest in map(
        str.split, Path(__file__).with_name("model_facts.txt").read_text().splitlines()
    )
}


@pytest.fixture
def undrawn(monkeypatch):
    """No initial weights are drawn, which for the large networks takes seconds."""
    for name in vars(nn.init):
        if name.endswith("_") and not name.startswith("_"):
            monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


def _quiet(build, **config):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return build(**config)


# The four largest, made of the same parts, would take gigabytes.
@pytest.mark.parametrize("name", [name for name, facts in _FACTS.items() if facts[0] < 250_000_000])
def test_parameters_and_keys_are_the_published_ones(name, undrawn):
    net = _quiet(models.get_model, name=name)
    state = net.state_dict()
    text = "\n".join(f"{key} {tuple(value.shape)}" for key, value in state.items())
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert (sum(p.numel() for p in net.parameters()), len(state), digest) == _FACTS[name]


def test_every_registered_classifier_has_facts_and_weights():
    assert {*models.list_models(module=models)} - {"lenet"} == {*_FACTS}
    for name in _FACTS:
        weights = models.get_model_weights(name)
        assert weights.DEFAULT in weights
        for member in weights:
            assert member.url.startswith("https://download.pytorch.org/models/")
            assert hub.HASH_REGEX.search(member.url)
            assert member.meta["categories"] is None or len(member.meta["categories"]) == 1000


# The published count of Inception v3 and GoogLeNet is with, and without, their auxiliary heads.
@pytest.mark.parametrize("name", sorted(_FACTS.keys() - {"googlenet", "vit_h_14"}))
def test_the_weights_tell_the_count_of_parameters(name):
    counts = {member.meta["num_params"] for member in models.get_model_weights(name)}
    assert _FACTS[name][0] in counts


_SMALL = [
    ("alexnet", 63),
    ("densenet121", 32),
    ("efficientnet_b0", 32),
    ("convnext_tiny", 32),
    ("mnasnet0_5", 32),
    ("mobilenet_v2", 32),
    ("mobilenet_v3_small", 32),
    ("regnet_y_400mf", 32),
    ("resnet18", 32),
    ("resnet50", 32),
    ("shufflenet_v2_x0_5", 32),
    ("squeezenet1_1", 32),
]


@pytest.mark.parametrize("name, size", _SMALL)
def test_forward_and_backward(name, size):
    net = models.get_model(name, num_classes=7).eval()
    out = net(tinytensor.randn(2, 3, size, size))
    assert out.shape == (2, 7)
    assert out.isfinite().all()
    out.square().sum().backward()
    # Every parameter takes part. (Behind a head that begins with zeros nothing has a gradient yet.)
    assert all(p.grad is not None for p in net.parameters())


def test_lenet_takes_both_sizes():
    assert models.lenet()(tinytensor.randn(2, 1, 28, 28)).shape == (2, 10)
    assert models.lenet(num_classes=3, in_channels=3)(tinytensor.randn(2, 3, 32, 32)).shape == (2, 3)
    assert sum(p.numel() for p in models.lenet().parameters()) == 61706


def test_resnet_options():
    dilated = models.resnet50(replace_stride_with_dilation=[False, True, True], num_classes=2)
    features = IntermediateLayerGetter(dilated, {"layer1": "near", "layer4": "far"})
    found = features(tinytensor.randn(1, 3, 64, 64))
    assert list(found) == ["near", "far"]
    assert found["far"].shape == (1, 2048, 8, 8)
    assert "fc" not in dict(features.named_children())
    silent = models.resnet18(zero_init_residual=True)
    assert (silent.layer1[0].bn2.weight == 0).all()
    grouped = models.resnet18(norm_layer=lambda width: nn.GroupNorm(8, width))
    assert isinstance(grouped.layer2[0].downsample[1], nn.GroupNorm)
    with pytest.raises(ValueError, match="groups=1"):
        models.resnet18(groups=2)
    with pytest.raises(ValueError, match="width_per_group"):
        models.wide_resnet50_2(width_per_group=64)
    with pytest.raises(ValueError, match="3-element"):
        models.resnet50(replace_stride_with_dilation=[True])
    with pytest.raises(ValueError, match="not present"):
        IntermediateLayerGetter(dilated, {"layer9": "x"})


def test_auxiliary_heads_speak_in_training():
    net = models.googlenet(num_classes=4, init_weights=False)
    out = net(tinytensor.randn(2, 3, 64, 64))
    assert type(out).__name__ == "GoogLeNetOutputs"
    assert [part.shape for part in out] == [(2, 4)] * 3
    assert net.eval()(tinytensor.randn(1, 3, 64, 64)).shape == (1, 4)
    with pytest.warns(FutureWarning, match="initialization"):
        models.GoogLeNet(num_classes=2)


def test_transform_input_undoes_imagenets_normalization():
    from tinytensor.vision.models._inception_parts import renormalized

    picture = np.random.default_rng(0).random((2, 3, 4, 5))
    mean = np.array([0.485, 0.456, 0.406]).reshape(3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225]).reshape(3, 1, 1)
    given = tinytensor.from_numpy((picture - mean) / deviation)
    np.testing.assert_allclose(renormalized(given).numpy(), (picture - 0.5) / 0.5, rtol=1e-12, atol=1e-12)


def test_vision_transformer_checks_its_input_and_resizes_its_positions():
    sizes = {
        "patch_size": 8,
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 16,
        "mlp_dim": 32,
        "num_classes": 3,
    }
    net = models.VisionTransformer(image_size=32, **sizes)
    assert net(tinytensor.randn(2, 3, 32, 32)).shape == (2, 3)
    with pytest.raises(AssertionError, match="Wrong image height! Expected 32 but got 40"):
        net(tinytensor.randn(1, 3, 40, 32))
    with pytest.raises(AssertionError, match="indivisible"):
        models.VisionTransformer(image_size=33, **sizes)
    from tinytensor.vision.models.vision_transformer import interpolate_embeddings

    larger = models.VisionTransformer(image_size=48, **sizes)
    larger.load_state_dict(interpolate_embeddings(48, 8, net.state_dict(), interpolation_mode="bilinear"))
    old = net.encoder.pos_embedding.detach().numpy()[0]
    new = larger.encoder.pos_embedding.detach().numpy()[0]
    np.testing.assert_allclose(new[[0, 1, -1]], old[[0, 1, -1]], atol=1e-6)  # the token and the outer corners


# ---------------------------------------------------------------- weights


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no network."""

    def refuse(url):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(hub, "_open_url", refuse)
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return folder


def _saved(net, path):
    tinytensor.save(net.state_dict(), path)
    return path


def _same(net, other):
    return all((a == b).all() for a, b in zip(net.state_dict().values(), other.state_dict().values()))


def test_weights_are_found_by_name():
    enum = models.ResNet50_Weights
    assert models.get_weight("ResNet50_Weights.DEFAULT") is enum.IMAGENET1K_V2
    assert enum.DEFAULT is enum.IMAGENET1K_V2
    assert enum.verify("IMAGENET1K_V1") is enum.verify("ResNet50_Weights.IMAGENET1K_V1") is enum.IMAGENET1K_V1
    assert enum.verify(None) is None
    assert models.get_model_weights(models.resnet50) is enum is models.get_model_weights("ResNet50")
    assert repr(enum.IMAGENET1K_V1) == "ResNet50_Weights.IMAGENET1K_V1"
    assert pickle.loads(pickle.dumps(enum.DEFAULT)) is enum.DEFAULT
    assert copy.deepcopy(enum.DEFAULT) is enum.DEFAULT
    assert enum.DEFAULT.meta["categories"][1] == "goldfish"
    assert enum.DEFAULT.value == copy.copy(enum.DEFAULT.value) != enum.IMAGENET1K_V1.value
    with pytest.raises(KeyError, match="IMAGENET1K_V9"):
        enum.verify("IMAGENET1K_V9")
    with pytest.raises(TypeError, match="expected ResNet50_Weights but received ResNet18_Weights"):
        models.resnet50(weights=models.ResNet18_Weights.DEFAULT)
    with pytest.raises(ValueError, match="Invalid weight name"):
        models.get_weight("ResNet50_Weights")
    with pytest.raises(ValueError, match="Nothing_Weights"):
        models.get_weight("Nothing_Weights.DEFAULT")
    with pytest.raises(ValueError, match="no argument 'weights'"):
        models.get_model_weights(models.lenet)


def test_weights_from_a_file(tmp_path):
    net = models.squeezenet1_1(num_classes=5)
    path = _saved(net, tmp_path / "mine.pth")
    for given in (path, str(path)):
        assert _same(models.squeezenet1_1(weights=given, num_classes=5), net)
    with pytest.raises(RuntimeError, match="size mismatch"):
        models.squeezenet1_1(weights=path)
    with pytest.raises(FileNotFoundError):
        models.squeezenet1_1(weights=str(tmp_path / "other.pth"))
    with pytest.raises(KeyError):
        models.squeezenet1_1(weights="mine")


def test_weights_from_the_cache(cache, monkeypatch):
    net = models.squeezenet1_1()
    enum = models.SqueezeNet1_1_Weights
    content = _saved(net, cache / "made.pth").read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:8]
    name = f"squeezenet1_1-{digest}.pth"
    monkeypatch.setattr(enum.IMAGENET1K_V1.value, "url", f"https://nowhere.invalid/{name}")
    (cache / name).write_bytes(content)
    for given in (enum.DEFAULT, "DEFAULT", "IMAGENET1K_V1", "SqueezeNet1_1_Weights.IMAGENET1K_V1"):
        assert _same(models.squeezenet1_1(weights=given, progress=False), net)
    with pytest.raises(ValueError, match="num_classes.*1000.*5"):
        models.squeezenet1_1(weights=enum.DEFAULT, num_classes=5)
    # A damaged file is fetched again, which here fails, and says where the file belongs.
    (cache / name).write_bytes(content[:-1] + b"!")
    with pytest.raises(urllib.error.URLError) as caught:
        models.squeezenet1_1(weights=enum.DEFAULT, progress=False)
    assert str(cache / name) in str(caught.value) and "https://nowhere.invalid" in str(caught.value)


def test_the_arguments_of_old(cache):
    with pytest.warns(UserWarning, match="'pretrained' is deprecated since 0.13"):
        models.squeezenet1_1(pretrained=False)
    with pytest.warns(UserWarning, match="weights=None"):
        models.squeezenet1_1(weights=False)
    with pytest.warns(UserWarning, match="positional"):
        models.squeezenet1_1(None, False)
    # The first weights, not the best: what pretrained=True always meant.
    with pytest.warns(UserWarning, match="MobileNet_V2_Weights.IMAGENET1K_V1"):
        with pytest.raises(urllib.error.URLError, match="mobilenet_v2-b0353104.pth"):
            models.mobilenet_v2(pretrained=True, progress=False)
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match="No weights available for model vit_h_14"),
    ):
        models.vit_h_14(pretrained=True)
    with pytest.raises(TypeError, match="not both"):
        models.squeezenet1_1(pretrained=True, weights=models.SqueezeNet1_1_Weights.DEFAULT)
    with pytest.raises(TypeError, match="at most 2"):
        models.squeezenet1_1(None, True, 3)


def test_googlenets_heads_and_weights(tmp_path):
    net = models.googlenet(init_weights=False, num_classes=3)
    path = _saved(net, tmp_path / "g.pth")
    plain = models.googlenet(weights=path, num_classes=3)
    assert plain.aux1 is None and plain.transform_input and not plain.aux_logits
    with pytest.warns(UserWarning, match="auxiliary heads"):
        assert _same(models.googlenet(weights=path, num_classes=3, aux_logits=True), net)
    without = _saved(plain, tmp_path / "p.pth")
    assert _same(models.googlenet(weights=without, num_classes=3), plain)


def test_densenets_old_names_are_read(tmp_path):
    net = models.densenet121(num_classes=2)
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): v
        for key, v in net.state_dict().items()
    }
    assert old.keys() != net.state_dict().keys()
    tinytensor.save(old, tmp_path / "old.pth")
    assert _same(models.densenet121(weights=tmp_path / "old.pth", num_classes=2), net)


def test_the_register(monkeypatch):
    monkeypatch.setattr("tinytensor.vision.models._api.BUILTIN_MODELS", dict(BUILTIN_MODELS))
    assert models.list_models(include="resnet*") == [
        "resnet101",
        "resnet152",
        "resnet18",
        "resnet34",
        "resnet50",
    ]
    assert models.list_models(include=["vgg1?"], exclude="*6") == ["vgg11", "vgg13", "vgg19"]
    with pytest.raises(ValueError, match="Unknown model nothing"):
        models.get_model("Nothing")
    with pytest.raises(ValueError, match="already registered"):
        register_model("resnet18")(lambda: None)

    @register_model()
    def mine(*, weights: models.ResNet18_Weights | None = None):
        return nn.Linear(2, 3)

    assert models.get_model("mine").out_features == 3
    assert models.get_model_weights("mine") is models.ResNet18_Weights
    assert "mine" in models.list_models() and "mine" not in models.list_models(module=models)


def test_the_preparation_of_pictures():
    functional = pytest.importorskip("tinytensor.vision.transforms.functional")
    if not hasattr(functional, "convert_image_dtype"):
        pytest.skip("the transforms on tensors are not there")
    prepare = models.EfficientNet_B1_Weights.IMAGENET1K_V1.transforms()
    picture = tinytensor.full((3, 300, 400), 255, dtype=tinytensor.uint8)
    out = prepare(picture)
    assert out.shape == (3, 240, 240)
    np.testing.assert_allclose(out[:, 7, 7].numpy(), (1 - np.array(prepare.mean)) / prepare.std, rtol=1e-5)
    assert prepare.interpolation.value == "bicubic"
    assert "resize_size=[256]" in repr(prepare) and "[240]" in prepare.describe()


# ---------------------------------------------------------------- torchvision


@pytest.fixture(scope="module")
def torchvision():
    try:
        return pytest.importorskip("torchvision")
    except RuntimeError as error:  # its compiled part does not fit
        pytest.skip(str(error))


@pytest.mark.parametrize(
    "name", [name for name, _ in _SMALL] + ["googlenet", "resnext50_32x4d", "efficientnet_v2_s"]
)
def test_same_weights_and_outputs_as_torchvision(name, torchvision):
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    theirs = _quiet(torchvision.models.get_model, name=name, num_classes=6)
    tinytensor.manual_seed(5)
    ours = _quiet(models.get_model, name=name, num_classes=6)
    for (key, expected), (ours_key, value) in zip(theirs.state_dict().items(), ours.state_dict().items()):
        assert key == ours_key
        np.testing.assert_allclose(value.numpy(), expected.numpy(), rtol=1e-5, atol=1e-7)
    assert repr(ours) == repr(theirs)
    # Normalization over few pixels magnifies the last bit, so that the outputs are of equal weights.
    ours.load_state_dict(
        {key: tinytensor.from_numpy(v.numpy().copy()) for key, v in theirs.state_dict().items()}
    )
    pictures = np.random.default_rng(0).standard_normal((2, 3, 64, 64))
    torch.manual_seed(6)
    expected = theirs.double()(torch.from_numpy(pictures))
    tinytensor.manual_seed(6)
    value = ours.double()(tinytensor.from_numpy(pictures))
    if name == "googlenet":
        assert expected._fields == value._fields
        expected, value = expected[1], value[1]
    np.testing.assert_allclose(value.detach().numpy(), expected.detach().numpy(), rtol=1e-8, atol=1e-10)
