"""The examples: each runs as a command, learns, draws its plot, and goes on from a checkpoint as if it had not ended."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tinytensor as torch

pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("[a-z]*.py"))

# Short runs: arguments, and the last figure that they are to reach.
SHORT = {
    "linear_regression": ([], ("loss", 0.01)),
    "logistic_regression": (["--epochs", "2"], ("accuracy", 88.0)),
    "custom_layer": (["--epochs", "4"], ("accuracy", 90.0)),
    "mnist_cnn": (["--epochs", "2"], ("accuracy", 60.0)),
    "cifar_cnn": (["--epochs", "2"], ("accuracy", 30.0)),
    "char_rnn": (["--epochs", "2", "--steps", "12", "--length", "30"], ("loss", 4.0)),
    "gpt": (["--epochs", "2", "--steps", "8", "--length", "30", "--width", "32"], ("loss", 4.5)),
    "dcgan": (["--epochs", "2", "--limit", "256"], ("judging", 2.0)),
}


def run(name, folder, *arguments, code=0):
    """What an example prints. It finds no network."""
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    paths = [str(Path(torch.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), "--threads", "2", *arguments],
        cwd=folder,
        env={**os.environ, **nowhere, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with MNIST's files, filled with bars of one of ten places."""
    folder = tmp_path_factory.mktemp("examples")
    raw = folder / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 512), ("t10k", 128)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = np.random.default_rng(0).integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 7 + 2 * label] += 180
        head = np.array([count], dtype=">i4").tobytes()
        sizes = np.array([28, 28], dtype=">i4").tobytes()
        (raw / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + head + sizes + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + head + labels.tobytes())
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_help_tells_the_options(name, folder):
    text = run(name, folder, "--help")
    for option in ("--epochs", "--lr", "--device", "--plot", "--checkpoint", "--resume"):
        assert option in text
    assert not re.search(r"^  --\S+ \S+\n(?=  --|$)", text, re.MULTILINE), "an option without explanation"


@pytest.mark.parametrize("name", SHORT)
def test_it_learns_and_draws(name, folder):
    arguments, (figure, goal) = SHORT[name]
    text = run(name, folder, *arguments, "--plot", f"{name}.png")
    value = float(re.findall(rf"{figure} ([\d.]+)", text)[-1])
    assert value > goal if figure == "accuracy" else value < goal, text
    picture = np.asarray(Image.open(folder / f"{name}.png").convert("L"))
    assert picture.shape[1] == 1100 and (picture < 128).mean() > 0.001


@pytest.mark.parametrize("name", ["linear_regression", "custom_layer", "gpt", "dcgan"])
def test_it_goes_on_as_if_it_had_not_ended(name, folder):
    arguments = SHORT[name][0]
    more = [*arguments, "--epochs", "2", "--checkpoint"]
    straight = run(name, folder, *more, f"{name}.straight")
    run(name, folder, *arguments, "--epochs", "1", "--checkpoint", f"{name}.half")
    resumed = run(name, folder, *more, f"{name}.half", "--resume")
    assert "epoch 1:" in straight and "epoch 1:" not in resumed
    last = re.search(r"epoch 2: .*", straight)[0]
    assert last in resumed
    assert (folder / f"{name}.straight").stat().st_size == (folder / f"{name}.half").stat().st_size


def test_the_schedule_goes_on_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import _training

    def trained(epochs, *options):
        args = _training.arguments("").parse_args(
            ["--epochs", str(epochs), "--checkpoint", str(tmp_path / "state"), *options]
        )
        _training.prepare(args)
        model = torch.nn.Linear(2, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
        data = torch.utils.data.TensorDataset(torch.randn(40, 2), torch.randint(0, 3, (40,)))
        loader = torch.utils.data.DataLoader(data, 8, shuffle=True)
        run = _training.train(model, optimizer, (loader, loader), args, schedule)
        return model.weight.tolist(), schedule.get_last_lr(), run.history

    straight = trained(3)
    trained(1)
    assert trained(3, "--resume") == straight
    assert len(straight[2]["loss"]) == 3


def test_resuming_nothing_is_told(folder):
    assert "no checkpoint at 'absent.pt'" in run(
        "gpt", folder, "--resume", "--checkpoint", "absent.pt", code=1
    )
