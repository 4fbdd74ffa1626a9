"""Picture datasets, from small files that the tests write in the published forms."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.vision import datasets as D
from tinytensor.vision.datasets import utils
from tinytensor.vision.datasets.folder import default_loader, find_classes, is_image_file, make_dataset
from tinytensor.vision.transforms import ToTensor

from vision.pictures import sample, torchvision

Image = pytest.importorskip("PIL.Image")
RANDOM = np.random.default_rng(0)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def idx(array):
    codes = {"uint8": 8, "int32": 12}
    return (
        bytes([0, 0, codes[array.dtype.name], array.ndim])
        + np.array(array.shape, ">u4").tobytes()
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def check_pictures(dataset, arrays, labels):
    assert len(dataset) == len(labels)
    for number, (picture, label) in enumerate(dataset[i] for i in range(len(dataset))):
        assert isinstance(picture, Image.Image) and isinstance(label, int)
        np.testing.assert_array_equal(np.asarray(picture), arrays[number])
        assert label == labels[number]


# ---------------------------------------------------------------- MNIST and its kind

GREY, DIGITS = RANDOM.integers(0, 256, (5, 28, 28), dtype=np.uint8), np.array([3, 1, 4, 1, 9], np.uint8)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("folder", ["MNIST/raw", "."])
def test_mnist(tmp_path, compressed, folder):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name, array in (("train-images-idx3-ubyte", GREY), ("train-labels-idx1-ubyte", DIGITS)):
        path = tmp_path / folder / (name + (".gz" if compressed else ""))
        path.write_bytes(gzip.compress(idx(array)) if compressed else idx(array))
    dataset = D.MNIST(tmp_path)
    check_pictures(dataset, GREY, DIGITS)
    assert dataset.data.dtype == torch.uint8 and dataset.targets.dtype == torch.int64
    assert dataset.classes[4] == "4 - four" and dataset.class_to_idx["9 - nine"] == 9
    assert D.MNIST(str(tmp_path), transform=ToTensor(), target_transform=lambda x: x + 1)[0][1] == 4
    assert (
        repr(dataset)
        == f"Dataset MNIST\n    Number of datapoints: 5\n    Root location: {tmp_path}\n    Split: Train"
    )
    with pytest.raises(RuntimeError, match="download=True"):
        D.MNIST(tmp_path, train=False)


def test_emnist_and_bad_idx_files(tmp_path):
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "emnist-letters-test-images-idx3-ubyte").write_bytes(idx(GREY))
    labels = raw / "emnist-letters-test-labels-idx1-ubyte"
    labels.write_bytes(idx(DIGITS))
    dataset = D.EMNIST(tmp_path, "letters", train=False)
    check_pictures(dataset, GREY, DIGITS)
    assert dataset.classes[1] == "a"
    with pytest.raises(ValueError, match="Valid values"):
        D.EMNIST(tmp_path, "words")
    for content, message in (
        (b"text", "not an idx file"),
        (idx(DIGITS)[:-1], "4 bytes of elements, 5 due"),
        (b"", "not an idx"),
    ):
        labels.write_bytes(content)
        with pytest.raises(RuntimeError, match=message):
            D.EMNIST(tmp_path, "letters", train=False)


# ---------------------------------------------------------------- CIFAR

COLOR = RANDOM.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
ROWS = COLOR.transpose(0, 3, 1, 2).reshape(6, -1)
KINDS = [0, 2, 1, 1, 0, 2]


class SmallCifar(D.CIFAR10):
    train_list = [["data_batch_1", ""], ["data_batch_2", ""]]
    test_list = [["test_batch", ""]]


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    sums = {}
    for name, part in (
        ("data_batch_1", slice(0, 4)),
        ("data_batch_2", slice(4, 6)),
        ("test_batch", slice(1, 3)),
    ):
        (folder / name).write_bytes(pickle.dumps({"data": ROWS[part], "labels": KINDS[part]}, protocol=2))
        sums[name] = md5(folder / name)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["a", "b", "c"]}, protocol=2))
    monkeypatch.setattr(
        SmallCifar, "train_list", [[name, sums[name]] for name in ("data_batch_1", "data_batch_2")]
    )
    monkeypatch.setattr(SmallCifar, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(folder / "batches.meta")}
    monkeypatch.setattr(SmallCifar, "meta", meta)
    return tmp_path


def test_cifar(cifar):
    dataset = SmallCifar(cifar)
    check_pictures(dataset, COLOR, KINDS)
    assert dataset.class_to_idx == {"a": 0, "b": 1, "c": 2} and dataset.data.shape == (6, 32, 32, 3)
    check_pictures(SmallCifar(cifar, train=False), COLOR[1:3], KINDS[1:3])
    assert SmallCifar(cifar, download=True).targets == KINDS


def test_cifar_whose_files_changed(cifar):
    path = cifar / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(RuntimeError, match="data_batch_2 is missing or does not have MD5"):
        SmallCifar(cifar)


def test_cifar_that_holds_code(cifar, monkeypatch):
    path = cifar / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    monkeypatch.setattr(SmallCifar, "test_list", [["test_batch", md5(path)]])
    with pytest.raises(pickle.UnpicklingError, match="system is not plain data"):
        SmallCifar(cifar, train=False)


@pytest.mark.parametrize(
    "kind, label_bytes, folder", [(D.CIFAR10, 1, "cifar-10-batches-bin"), (D.CIFAR100, 2, "cifar-100-binary")]
)
def test_binary_cifar(tmp_path, kind, label_bytes, folder):
    (tmp_path / folder).mkdir()
    labels = np.stack([np.full(6, 9, np.uint8), np.array(KINDS, np.uint8)], 1)[:, 2 - label_bytes :]
    records = np.concatenate([labels, ROWS], 1).tobytes()
    parts = [f"data_batch_{i}" for i in range(1, 6)] if label_bytes == 1 else ["train"]
    for part in parts:
        (tmp_path / folder / f"{part}.bin").write_bytes(records)
    (tmp_path / folder / kind.binary_names).write_text("a\nb\nc\n")
    dataset = kind(tmp_path)
    check_pictures(dataset, np.tile(COLOR, (len(parts), 1, 1, 1)), KINDS * len(parts))
    (tmp_path / folder / f"{parts[0]}.bin").write_bytes(records[:-1])
    with pytest.raises(RuntimeError, match="no whole records"):
        kind(tmp_path)
    with pytest.raises(RuntimeError, match="download=True"):
        kind(tmp_path, train=False) if label_bytes == 2 else kind(tmp_path / "nothing")


# ---------------------------------------------------------------- SVHN, STL-10


def test_svhn(tmp_path, monkeypatch):
    path = tmp_path / "test_32x32.mat"
    path.write_bytes(b"matlab")
    monkeypatch.setitem(D.SVHN.split_list, "test", ["", path.name, md5(path)])
    content = {"X": COLOR.transpose(1, 2, 3, 0), "y": np.array([[10], [1], [2], [10], [9], [3]], np.uint8)}
    reader = types.ModuleType("scipy.io")
    reader.loadmat = lambda given: content if given == path else None
    monkeypatch.setitem(sys.modules, "scipy", types.ModuleType("scipy"))
    monkeypatch.setitem(sys.modules, "scipy.io", reader)
    dataset = D.SVHN(tmp_path, "test")
    check_pictures(dataset, COLOR, [0, 1, 2, 0, 9, 3])
    assert dataset.data.shape == (6, 3, 32, 32) and dataset._taker() is None
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match="pip install scipy"):
        D.SVHN(tmp_path, "test")
    with pytest.raises(RuntimeError, match="not found or corrupted"):
        D.SVHN(tmp_path, "train")


def test_stl10(tmp_path, monkeypatch):
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    pictures = RANDOM.integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    for part in ("train", "test", "unlabeled"):
        (folder / f"{part}_X.bin").write_bytes(pictures.transpose(0, 3, 2, 1).tobytes())
        (folder / f"{part}_y.bin").write_bytes(bytes([1, 10, 5]))
    (folder / "fold_indices.txt").write_text("0 1\n2 0 \n" + "1\n" * 8)
    (folder / "class_names.txt").write_text("airplane\nbird\n")
    for name in ("train_list", "test_list"):
        monkeypatch.setattr(D.STL10, name, [[file, md5(folder / file)] for file, _ in getattr(D.STL10, name)])
    check_pictures(D.STL10(tmp_path), pictures, [0, 9, 4])
    check_pictures(D.STL10(tmp_path, folds=1), pictures[[2, 0]], [4, 0])
    check_pictures(D.STL10(tmp_path, "unlabeled"), pictures, [-1] * 3)
    both = D.STL10(tmp_path, "train+unlabeled")
    check_pictures(both, np.tile(pictures, (2, 1, 1, 1)), [0, 9, 4, -1, -1, -1])
    assert both.classes == ["airplane", "bird"] and repr(both).endswith("Split: train+unlabeled")
    with pytest.raises(ValueError, match="range"):
        D.STL10(tmp_path, folds=10)


# ---------------------------------------------------------------- folders


@pytest.fixture
def tree(tmp_path):
    for name, kind in (("cat/b.png", 0), ("cat/deep/a.PNG", 0), ("dog/x.png", 1), ("dog/notes.txt", 1)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sample(6, 5, seed=len(name))).save(path, format="PNG")
    return tmp_path


def test_image_folder(tree):
    dataset = D.ImageFolder(tree, transform=ToTensor())
    assert dataset.classes == ["cat", "dog"] and dataset.class_to_idx == {"cat": 0, "dog": 1}
    names = [(path[len(str(tree)) + 1 :], target) for path, target in dataset.samples]
    assert names == [("cat/b.png", 0), ("cat/deep/a.PNG", 0), ("dog/x.png", 1)]
    assert dataset.targets == [0, 0, 1] and dataset.imgs == dataset.samples and len(dataset) == 3
    picture, target = dataset[2]
    np.testing.assert_allclose(
        picture.numpy().transpose(1, 2, 0) * 255, sample(6, 5, seed=len("dog/x.png")), atol=1e-4
    )
    grey = tree / "dog" / "grey.png"
    Image.fromarray(sample(4, 4, 1)[:, :, 0]).save(grey)
    assert default_loader(grey).mode == "RGB"


def test_dataset_folder(tree):
    dataset = D.DatasetFolder(
        tree, lambda path: path[-5:], is_valid_file=lambda path: path.endswith("txt"), allow_empty=True
    )
    assert [dataset[0]] == [("s.txt", 1)]
    with pytest.raises(FileNotFoundError, match="classes cat"):
        D.DatasetFolder(tree, str, extensions=(".txt",))
    with pytest.raises(ValueError, match="Both extensions"):
        make_dataset(tree)
    with pytest.raises(FileNotFoundError, match="class folder"):
        find_classes(tree / "cat" / "deep")
    assert is_image_file("a.JPeG") and not is_image_file("a.txt")


def test_coco(tree):
    content = {
        "images": [{"id": 7, "file_name": "cat/b.png"}, {"id": 3, "file_name": "dog/x.png"}],
        "annotations": [{"id": 1, "image_id": 7, "caption": "a"}, {"id": 2, "image_id": 7, "caption": "b"}],
    }
    (tree / "all.json").write_text(json.dumps(content))
    dataset = D.CocoDetection(tree, str(tree / "all.json"), transform=ToTensor())
    assert dataset.ids == [3, 7] and dataset[0][1] == [] and dataset[1][1] == content["annotations"]
    assert D.CocoCaptions(tree, tree / "all.json")[1][1] == ["a", "b"]
    (tree / "all.json").write_text("[]")
    with pytest.raises(RuntimeError, match="COCO"):
        D.CocoDetection(tree, str(tree / "all.json"))


def test_celeba(tmp_path, monkeypatch):
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = ["1.png", "2.png"]
    for name in names:
        Image.fromarray(sample(4, 4)).save(folder / "img_align_celeba" / name)
    tables = {
        "list_attr_celeba.txt": "2\nYoung Bald\n1.png  1 -1\n2.png -1 -1\n",
        "identity_CelebA.txt": "1.png 12\n2.png 13\n",
        "list_bbox_celeba.txt": "2\nid x y w h\n1.png 1 2 3 4\n2.png 5 6 7 8\n",
        "list_landmarks_align_celeba.txt": "2\nx y\n1.png 1 2\n2.png 3 4\n",
        "list_eval_partition.txt": "1.png 0\n2.png 2\n",
    }
    with pytest.raises(RuntimeError, match="lacks"):
        D.CelebA(tmp_path)
    for name, text in tables.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(D.CelebA, "file_list", [(name, md5(folder / name)) for name in tables])
    dataset = D.CelebA(tmp_path, "test", ["attr", "identity", "bbox"])
    assert len(dataset) == 1 and dataset.attr_names == ["Young", "Bald"]
    assert [part.tolist() for part in dataset[0][1]] == [[0, 0], 13, [5, 6, 7, 8]]
    assert len(D.CelebA(tmp_path, "all")) == 2
    with pytest.raises(RuntimeError, match="by a program"):
        D.CelebA(tmp_path / "other", download=True)


# ---------------------------------------------------------------- made on the spot


def test_fake_data():
    dataset = D.FakeData(3, (3, 8, 8), 5, transform=ToTensor())
    torch.manual_seed(9)
    state = torch.get_rng_state()
    first, label = dataset[1]
    assert torch.equal(first, dataset[1][0]) and 0 <= label < 5 and isinstance(label, int)
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, D.FakeData(3, (3, 8, 8), 5, ToTensor(), random_offset=1)[1][0])
    with pytest.raises(IndexError):
        dataset[3]


def test_fake_data_is_torchvisions():
    theirs = torchvision().datasets.FakeData(4, (3, 9, 8), 7, random_offset=3)
    ours = D.FakeData(4, (3, 9, 8), 7, random_offset=3)
    for number in range(4):
        np.testing.assert_array_equal(np.asarray(ours[number][0]), np.asarray(theirs[number][0]))
        assert ours[number][1] == theirs[number][1]


def test_shapes():
    first, again, other = D.Shapes(size=20), D.Shapes(size=20), D.Shapes(size=20, train=False)
    np.testing.assert_array_equal(first.data, again.data)
    assert first.targets == again.targets and not np.array_equal(first.data, other.data)
    assert first.data.shape == (20, 32, 32, 3) and first[0][0].size == (32, 32) and len(first.classes) == 10
    with pytest.raises(ValueError, match="negative"):
        D.Shapes(size=-1)


def test_transforms_of_picture_and_target():
    both = D.VisionDataset(transforms=lambda picture, target: (target, picture))
    assert both.transforms(1, 2) == (2, 1)
    with pytest.raises(ValueError, match="Only transforms or"):
        D.VisionDataset(transforms=len, transform=len)


# ---------------------------------------------------------------- archives


def test_archives(tmp_path):
    source = tmp_path / "in.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("folder/a.txt", "text")
    assert utils.extract_archive(source, tmp_path / "out", remove_finished=True) == str(tmp_path / "out")
    assert (tmp_path / "out" / "folder" / "a.txt").read_text() == "text" and not source.exists()
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"more"))
    utils.extract_archive(tmp_path / "b.txt.gz")
    assert (tmp_path / "b.txt").read_bytes() == b"more"
    with pytest.raises(RuntimeError, match="no tar, zip"):
        utils.extract_archive(tmp_path / "b.txt", tmp_path)
    assert utils.check_integrity(tmp_path / "b.txt", md5(tmp_path / "b.txt"))
    assert not utils.check_integrity(tmp_path / "b.txt", "0") and not utils.check_integrity(tmp_path / "c")
