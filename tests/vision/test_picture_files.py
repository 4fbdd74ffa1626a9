"""Datasets of picture files in the folders that torchvision lays out, and samples that say what they hold."""

from __future__ import annotations

import gzip
import json
import pickle
import sys
import tarfile
import types

import numpy as np
import pytest
import tinytensor as torch
from tinytensor.utils.data import DataLoader
from tinytensor.vision import datasets as D
from tinytensor.vision.datasets import _files, caltech, flowers102, imagenet
from tinytensor.vision.datasets._masks import mask_of
from tinytensor.vision.transforms import v2
from tinytensor.vision.tv_tensors import BoundingBoxes, Mask

from vision.pictures import sample

Image = pytest.importorskip("PIL.Image")


def save(path, height=8, width=10, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sample(height, width, seed=seed)).save(path)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def matlab(monkeypatch, content):
    """Files of MATLAB's by name, without SciPy."""

    def loadmat(path, **options):
        return content[path.name]

    for module in (caltech, flowers102, imagenet, _files):
        monkeypatch.setattr(module, "loadmat", loadmat)


ANNOTATION = """<annotation><folder>VOC</folder><empty/><size><width>10</width><height>8</height></size>
<object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>6</xmax><ymax>7</ymax></bndbox>
<part><name>head</name></part><part><name>foot</name></part></object></annotation>"""


@pytest.fixture
def voc(tmp_path):
    base = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("Main", "Segmentation"):
        write(base / "ImageSets" / folder / "train.txt", "a\n")
    save(base / "JPEGImages" / "a.jpg")
    write(base / "Annotations" / "a.xml", ANNOTATION)
    classes = np.arange(80, dtype=np.uint8).reshape(8, 10) % 21
    (base / "SegmentationClass").mkdir()
    Image.fromarray(classes).save(base / "SegmentationClass" / "a.png")
    return tmp_path


def test_voc_detection(voc):
    dataset = D.VOCDetection(voc)
    image, target = dataset[0]
    assert image.size == (10, 8) and len(dataset) == 1 and dataset.images[0].endswith("a.jpg")
    (found,) = target["annotation"].pop("object")
    assert target == {"annotation": {"folder": "VOC", "size": {"width": "10", "height": "8"}}}
    assert found["bndbox"] == {"xmin": "1", "ymin": "2", "xmax": "6", "ymax": "7"}
    assert found["part"] == [{"name": "head"}, {"name": "foot"}]
    for options, message in (
        ({"year": "1999"}, "argument year"),
        ({"image_set": "test"}, "argument image_set"),
    ):
        with pytest.raises(ValueError, match=message):
            D.VOCDetection(voc, **options)
    with pytest.raises(RuntimeError, match="there is no .*VOC2007"):
        D.VOCDetection(voc, "2007", "test")


def test_voc_samples_say_what_they_hold(voc):
    chain = v2.Compose([v2.ToImage(), v2.Resize((16, 20)), v2.RandomHorizontalFlip(1.0)])
    dataset = D.wrap_dataset_for_transforms_v2(D.VOCDetection(voc, transforms=chain))
    assert isinstance(dataset, D.VOCDetection) and type(dataset).__name__ == "WrappedVOCDetection"
    for wrapped in (dataset, pickle.loads(pickle.dumps(dataset))):
        image, target = wrapped[0]
        assert image.shape == (3, 16, 20) and set(target) == {"boxes", "labels"}
        assert type(target["boxes"]) is BoundingBoxes and target["boxes"].tolist() == [[8, 4, 18, 14]]
        assert target["labels"].tolist() == [12]
    (batch,) = DataLoader(dataset, num_workers=1, collate_fn=list)
    assert type(batch[0][1]["boxes"]) is BoundingBoxes
    everything = D.wrap_dataset_for_transforms_v2(D.VOCDetection(voc), target_keys="all")[0][1]
    assert set(everything) == {"annotation", "boxes", "labels"}
    image, mask = D.wrap_dataset_for_transforms_v2(D.VOCSegmentation(voc))[0]
    assert type(mask) is Mask and mask.shape == (1, 8, 10) and mask[0, 0, :3].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="not available"):
        D.wrap_dataset_for_transforms_v2(D.VOCDetection(voc), target_keys=["color"])
    with pytest.raises(TypeError, match="No wrapper exists for dataset class FakeData"):
        D.wrap_dataset_for_transforms_v2(D.FakeData(2))


def test_classes_pass_through_the_wrapper(tmp_path):
    save(tmp_path / "cat" / "a.png")
    dataset = D.wrap_dataset_for_transforms_v2(
        D.ImageFolder(tmp_path, target_transform=lambda label: label + 5)
    )
    assert dataset[0][1] == 5 and dataset.classes == ["cat"] and len(dataset) == 1
    assert "Number of datapoints: 1" in repr(dataset)
    assert (
        D.wrap_dataset_for_transforms_v2(D.Shapes(size=4, transform=v2.ToImage()))[0][0].dtype == torch.uint8
    )


SQUARE = [2, 3, 6, 3, 6, 8, 2, 8]


def test_coco_samples_say_what_they_hold(tmp_path):
    save(tmp_path / "a.png", 10, 12)
    save(tmp_path / "b.png")
    entry = {
        "id": 1,
        "image_id": 7,
        "category_id": 3,
        "bbox": [2, 3, 4, 5],
        "segmentation": [SQUARE],
        "area": 20,
    }
    content = {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}],
        "annotations": [entry],
    }
    write(tmp_path / "all.json", json.dumps(content))
    dataset = D.CocoDetection(tmp_path, tmp_path / "all.json")
    image, target = D.wrap_dataset_for_transforms_v2(dataset, target_keys="all")[0]
    assert target["boxes"].tolist() == [[2, 3, 6, 8]] and target["boxes"].canvas_size == (10, 12)
    assert target["labels"].tolist() == [3] and target["image_id"] == 7 and target["area"] == [20]
    expected = np.zeros((1, 10, 12), np.uint8)
    expected[0, 3:8, 2:6] = 1
    np.testing.assert_array_equal(target["masks"].numpy(), expected)
    usual = D.wrap_dataset_for_transforms_v2(D.CocoDetection(tmp_path, tmp_path / "all.json"))
    assert set(usual[0][1]) == {"boxes", "labels", "image_id"} and usual[1][1] == {"image_id": 9}


def runs_as_text(runs):
    """The other way round than the reader."""
    text = ""
    for i, run in enumerate(runs):
        number = run - (runs[i - 2] if i > 2 else 0)
        while True:
            digit, number = number & 31, number >> 5
            more = number != (-1 if digit & 16 else 0)
            text += chr(48 + digit + 32 * more)
            if not more:
                break
    return text


def test_masks_by_runs_and_polygons():
    random = np.random.default_rng(0)
    wanted = (random.random((13, 17)) > 0.7).astype(np.uint8)
    wanted[3:9, 4:15] = 1
    flat = wanted.T.ravel()
    changes = np.flatnonzero(np.diff(flat, prepend=0))
    runs = np.diff([0, *changes, flat.size]).tolist()
    for counts in (runs, runs_as_text(runs), runs_as_text(runs).encode()):
        np.testing.assert_array_equal(mask_of({"counts": counts}, 13, 17), wanted)
    with pytest.raises(ValueError, match="for a picture of 5 x 5"):
        mask_of({"counts": [3, 4]}, 5, 5)
    triangle = mask_of([[0, 0, 20, 0, 0, 20]], 20, 20)
    y, x = np.mgrid[:20, :20] + 0.5
    np.testing.assert_array_equal(triangle[x + y != 20], (x + y < 20)[x + y != 20])
    both = mask_of([SQUARE, [-5, -5, 1, -5, 1, 1, -5, 1]], 10, 10)
    assert both.sum() == 21 and both[0, 0] == 1 and mask_of([], 4, 4).sum() == 0


def test_food101(tmp_path):
    base = tmp_path / "food-101"
    for name in ("pie/1", "pie/2", "apple/7"):
        save(base / "images" / f"{name}.jpg")
    write(base / "meta" / "train.json", json.dumps({"pie": ["pie/1", "pie/2"], "apple": ["apple/7"]}))
    dataset = D.Food101(tmp_path, transform=v2.ToImage())
    assert dataset.class_to_idx == {"apple": 0, "pie": 1} and [target for _, target in dataset] == [1, 1, 0]
    assert dataset[0][0].shape == (3, 8, 10) and "split=train" in repr(dataset)
    with pytest.raises(RuntimeError, match=r"test\.json"):
        D.Food101(tmp_path, "test")
    with pytest.raises(ValueError, match="argument split"):
        D.Food101(tmp_path, "rest")


def test_caltech(tmp_path, monkeypatch):
    for name in (
        "Faces/image_0001.jpg",
        "crab/image_0001.jpg",
        "crab/image_0002.jpg",
        "BACKGROUND_Google/x.jpg",
    ):
        save(tmp_path / "caltech101" / "101_ObjectCategories" / name)
    (tmp_path / "caltech101" / "Annotations").mkdir()
    matlab(monkeypatch, {f"annotation_000{i}.mat": {"obj_contour": i} for i in (1, 2)})
    dataset = D.Caltech101(tmp_path, ["category", "annotation"])
    assert dataset.categories == ["Faces", "crab"] and dataset.annotation_categories == ["Faces_2", "crab"]
    assert [target for _, target in dataset] == [(0, 1), (1, 1), (1, 2)] and dataset.y == [0, 1, 1]
    assert D.Caltech101(tmp_path)[2][1] == 1
    for name in ("001.ak47/001_0001.jpg", "002.flag/002_0001.jpg"):
        save(tmp_path / "caltech256" / "256_ObjectCategories" / name)
    assert [target for _, target in D.Caltech256(tmp_path)] == [0, 1]
    with pytest.raises(RuntimeError, match="there is no"):
        D.Caltech256(tmp_path / "other")


def test_flowers(tmp_path, monkeypatch):
    base = tmp_path / "flowers-102"
    for number in (1, 2, 3):
        save(base / "jpg" / f"image_0000{number}.jpg", seed=number)
    for name in ("setid.mat", "imagelabels.mat"):
        write(base / name, "")
    tables = {"setid.mat": {"trnid": np.array([3, 1])}, "imagelabels.mat": {"labels": np.array([77, 5, 1])}}
    matlab(monkeypatch, tables)
    dataset = D.Flowers102(tmp_path)
    assert [target for _, target in dataset] == [0, 76]
    with pytest.raises(RuntimeError, match="jpg"):
        D.Flowers102(tmp_path / "other")


def test_reading_matlab_asks_for_scipy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"reading a\.mat needs SciPy"):
        _files.loadmat(tmp_path / "a.mat")


def test_pets(tmp_path):
    base = tmp_path / "oxford-iiit-pet"
    write(base / "annotations" / "trainval.txt", "great_dane_1 2 2 1\nSphynx_7 1 1 3\n")
    for name in ("great_dane_1", "Sphynx_7"):
        save(base / "images" / f"{name}.jpg")
        (base / "annotations" / "trimaps").mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 10), 2, np.uint8)).save(base / "annotations" / "trimaps" / f"{name}.png")
    kinds = ["category", "binary-category", "segmentation"]
    dataset = D.OxfordIIITPet(tmp_path, target_types=kinds)
    assert dataset.classes == ["Sphynx", "Great Dane"] and dataset[0][1][:2] == (1, 1)
    breed, animal, mask = D.wrap_dataset_for_transforms_v2(dataset)[1][1]
    assert (breed, animal) == (0, 0) and type(mask) is Mask and mask.shape == (1, 8, 10)


def test_imagenet(tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match="download it externally"):
        D.ImageNet(tmp_path)
    data = tmp_path / "made" / "ILSVRC2012_devkit_t12" / "data"
    write(data / "ILSVRC2012_validation_ground_truth.txt", "2\n1\n")
    write(data / "meta.mat", "")
    archive = tmp_path / "devkit.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(data.parent, "ILSVRC2012_devkit_t12")
    rows = [(1, "n01", "tench, Tinca tinca", "", 0), (2, "n02", "dog", "", 0), (3, "n03", "animal", "", 4)]
    matlab(monkeypatch, {"meta.mat": {"synsets": rows}})
    imagenet.parse_devkit_archive(tmp_path, archive.name)
    save(tmp_path / "train" / "n01" / "a.JPEG")
    save(tmp_path / "train" / "n02" / "b.JPEG")
    dataset = D.ImageNet(tmp_path)
    assert dataset.wnids == ["n01", "n02"] and dataset.classes == [("tench", "Tinca tinca"), ("dog",)]
    assert dataset.class_to_idx == {"tench": 0, "Tinca tinca": 0, "dog": 1} and dataset[1][1] == 1
    with tarfile.open(tmp_path / "val.tar", "w") as packed:
        for name in ("1.JPEG", "2.JPEG"):
            save(tmp_path / "made" / name)
            packed.add(tmp_path / "made" / name, name)
    monkeypatch.setitem(imagenet.ARCHIVES, "val", ("val.tar", None))
    assert [target for _, target in D.ImageNet(tmp_path, "val")] == [0, 1]
    assert (tmp_path / "val" / "n02" / "1.JPEG").is_file()


def test_inaturalist(tmp_path):
    for name in ("00000_A_B_C_D_E_F_x/1.jpg", "00001_A_B_C_D_E_G_y/2.jpg"):
        save(tmp_path / "2021_valid" / name)
    dataset = D.INaturalist(tmp_path, "2021_valid", ["full", "genus", "kingdom"])
    assert [target for _, target in dataset] == [(0, 0, 0), (1, 1, 0)]
    assert dataset.category_name("genus", 1) == "G" and dataset.category_name("full", 0).endswith("_x")
    for name in ("Birds/10/1.jpg", "Birds/2/2.jpg", "Fish/3/1.jpg"):
        save(tmp_path / "2018" / name)
    older = D.INaturalist(tmp_path, "2018", ["full", "super"])
    assert [target for _, target in older] == [(0, 0), (1, 1), (2, 0)]
    with pytest.raises(ValueError, match="target_type"):
        D.INaturalist(tmp_path, "2018", "genus")


def test_places365(tmp_path):
    write(tmp_path / "categories_places365.txt", "/a/airfield 0\n/b/bank 1\n")
    write(tmp_path / "places365_val.txt", "one.jpg 1\n")
    write(tmp_path / "places365_test.txt", "two.jpg\n")
    save(tmp_path / "val_256" / "one.jpg")
    save(tmp_path / "test_large" / "two.jpg")
    dataset = D.Places365(tmp_path, "val", small=True)
    assert dataset.classes == ["/a/airfield", "/b/bank"] and dataset[0][1] == 1 and dataset.targets == [1]
    assert D.Places365(tmp_path, "test")[0][1] is None
    with pytest.raises(RuntimeError, match="data_large_standard"):
        D.Places365(tmp_path)


def idx(kind, array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


def test_qmnist(tmp_path):
    raw = tmp_path / "QMNIST" / "raw"
    raw.mkdir(parents=True)
    pictures = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    facts = np.arange(24, dtype=">i4").reshape(3, 8)
    (raw / "qmnist-test-images-idx3-ubyte").write_bytes(idx(8, pictures))
    (raw / "qmnist-test-labels-idx2-int.gz").write_bytes(gzip.compress(idx(12, facts)))
    dataset = D.QMNIST(tmp_path, train=False)
    assert len(dataset) == 3 and dataset[1][1] == 8
    np.testing.assert_array_equal(np.asarray(dataset[2][0]), pictures[2])
    assert D.QMNIST(tmp_path, "test10k", compat=False)[2][1].tolist() == list(range(16, 24))
    assert len(D.QMNIST(tmp_path, "test50k")) == 0
    images, labels = next(iter(DataLoader(D.QMNIST(tmp_path, "test", transform=v2.ToImage()), batch_size=3)))
    assert images.shape == (3, 1, 28, 28) and labels.tolist() == [0, 8, 16]
    with pytest.raises(ValueError, match="argument what"):
        D.QMNIST(tmp_path, "rest")
    with pytest.raises(RuntimeError, match="xnist"):
        D.QMNIST(tmp_path, "nist")


class Database(dict):
    """As much of an LMDB database as is read."""

    def begin(self, write=False):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def stat(self):
        return {"entries": len(self)}

    def cursor(self):
        return types.SimpleNamespace(iternext=lambda keys, values: iter(self))


def test_lsun(tmp_path, monkeypatch):
    def opened(path, **options):
        save(tmp_path / "a.png", seed=len(path))
        content = (tmp_path / "a.png").read_bytes()
        return Database({b"1": content} if "tower" in path else {b"1": content, b"2": content})

    monkeypatch.setitem(sys.modules, "lmdb", types.SimpleNamespace(open=opened))
    dataset = D.LSUN(tmp_path, ["bridge_train", "tower_train"], transform=v2.ToImage())
    assert len(dataset) == 3 and [dataset[i][1] for i in range(3)] == [0, 0, 1]
    assert dataset[2][0].shape == (3, 8, 10) and len(D.LSUN(tmp_path, "val").dbs) == 10
    for classes in ("rest", ["bridge_rest"], ["moon_train"]):
        with pytest.raises(ValueError, match="argument classes"):
            D.LSUN(tmp_path, classes)
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(ImportError, match="needs lmdb"):
        D.LSUN(tmp_path)


def test_folders_of_classes(tmp_path):
    for name in ("eurosat/2750/Forest/a.jpg", "eurosat/2750/River/b.jpg"):
        save(tmp_path / name)
    assert [target for _, target in D.EuroSAT(tmp_path)] == [0, 1]
    for part in ("train", "valid"):
        save(tmp_path / "country211" / part / "AD" / "a.jpg")
        for mood in ("negative", "positive"):
            save(tmp_path / "rendered-sst2" / part / mood / "a.png")
    assert D.Country211(tmp_path, "valid").classes == ["AD"]
    assert D.RenderedSST2(tmp_path, "val").class_to_idx == {"negative": 0, "positive": 1}
    save(tmp_path / "imagenette2-160" / "train" / "n01440764" / "a.JPEG")
    save(tmp_path / "imagenette2-160" / "train" / "n03445777" / "a.JPEG")
    small = D.Imagenette(tmp_path, size="160px")
    assert small.classes == [("tench", "Tinca tinca"), ("golf ball",)] and small[1][1] == 1
    assert small.class_to_idx == {"tench": 0, "Tinca tinca": 0, "golf ball": 1}
    for make in (lambda: D.Country211(tmp_path, "test"), lambda: D.Imagenette(tmp_path, "val")):
        with pytest.raises(RuntimeError, match="there is no|not found"):
            make()


def test_textures_and_scenes(tmp_path):
    base = tmp_path / "dtd" / "dtd"
    write(base / "labels" / "val3.txt", "woven/woven_1.jpg\nbanded/banded_2.jpg\n")
    for name in ("woven/woven_1.jpg", "banded/banded_2.jpg"):
        save(base / "images" / name)
    assert [target for _, target in D.DTD(tmp_path, "val", 3)] == [1, 0]
    with pytest.raises(ValueError, match="argument partition"):
        D.DTD(tmp_path, partition=11)
    write(tmp_path / "SUN397" / "ClassName.txt", "/a/abbey\n/b/bar/indoor\n")
    save(tmp_path / "SUN397" / "a" / "abbey" / "sun_a.jpg")
    save(tmp_path / "SUN397" / "b" / "bar" / "indoor" / "sun_b.jpg")
    scenes = D.SUN397(tmp_path)
    assert scenes.classes == ["abbey", "bar/indoor"] and [target for _, target in scenes] == [0, 1]
