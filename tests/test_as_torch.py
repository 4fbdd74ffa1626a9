"""PyTorch programs run unchanged: `python -m tinytensor script.py` and `tinytensor.as_torch()`."""

import os
import subprocess
import sys
import textwrap

import pytest


def run(tmp_path, program: str, *arguments: str, expect: int = 0) -> str:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, "-m", "tinytensor", str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == expect, done.stderr
    return done.stdout + (done.stderr if expect else "")


def test_a_program(tmp_path):
    output = run(
        tmp_path,
        """
        import sys
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        import torch.utils.data.dataloader
        from torch.optim.lr_scheduler import StepLR
        from torchvision import datasets, transforms

        assert __name__ == "__main__" and sys.modules["__main__"].__dict__ is globals()
        assert torch.nn is nn and torch.nn.functional is F and nn.Linear is sys.modules["torch.nn"].Linear
        assert nn.__name__ == "tinytensor.nn" and nn.__spec__.name == "tinytensor.nn"
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, 1)
        loss = F.mse_loss(model(torch.ones(4, 2)), torch.zeros(4, 1))
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(sys.argv[1:], torch.__name__, __file__.endswith("program.py"), sys.path[0])
        """,
        "--lr",
        "3",
    )
    assert output.split("\n")[0] == f"['--lr', '3'] tinytensor True {tmp_path}"


def test_programs_find_the_version_of_pytorch_that_this_follows(tmp_path):
    output = run(
        tmp_path,
        """
        import importlib.metadata
        import importlib.util
        import torch
        import torchvision

        assert torch.__version__ >= "2.4" and torch.__version__ >= (1, 13) and torch.__version__ < "3"
        assert torch.__version__.startswith("2.13.0+tinytensor") and "1.9" < torch.__version__
        assert torch.version.__version__ == torch.__version__ and torchvision.__version__ > "0.9"
        assert importlib.metadata.version("torch") == torch.__version__
        assert importlib.metadata.version("torchvision") == torchvision.__version__
        assert importlib.util.find_spec("torch") is not None and torch.__version__ != "2.12"
        print(torchvision.__version__)
        """,
    )
    assert output.startswith("0.28.0+tinytensor")


def test_the_version_is_the_packages_own_again_after_the_block():
    import importlib.metadata

    import tinytensor
    import tinytensor.vision

    own = tinytensor.__version__
    with tinytensor.as_torch():
        import torch

        assert torch.__version__ == "2.13" and tinytensor.vision.__version__ == "0.28.0"
        assert importlib.metadata.version("torch").startswith("2.13.0+tinytensor")
        assert not list(importlib.metadata.distributions(name="no_such_package"))
    assert tinytensor.__version__ is own and tinytensor.vision.__version__ is own


def test_what_is_missing_says_so(tmp_path):
    output = run(tmp_path, "import torch.no_such_package.part", expect=1)
    assert (
        "ModuleNotFoundError: tinytensor has no module 'torch.no_such_package'; docs/compatibility.md"
        in output
    )
    output = run(tmp_path, "import torch\ntorch.no_such_thing", expect=1)
    assert "AttributeError" in output and "no_such_thing" in output and "docs/compatibility.md" in output
    output = run(tmp_path, "from torch import no_such_thing", expect=1)
    assert "ImportError" in output and "no_such_thing" in output


def test_processes_and_pickles_of_the_program(tmp_path):
    output = run(
        tmp_path,
        """
        import multiprocessing
        import pickle
        import torch

        class Doubled(torch.utils.data.Dataset):
            def __len__(self):
                return 6
            def __getitem__(self, index):
                return torch.tensor(2.0 * index)

        def twice(x):
            return 2 * x

        if __name__ == "__main__":
            assert type(pickle.loads(pickle.dumps(Doubled()))) is Doubled
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(twice, [torch.tensor(3.0)]))
            for method in ("fork", "spawn"):
                loader = torch.utils.data.DataLoader(
                    Doubled(), batch_size=2, num_workers=1, multiprocessing_context=method)
                print([batch.tolist() for batch in loader])
        """,
    )
    assert output.split("\n")[0] == "[tensor(6.)]"
    assert output.count("[[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]]") == 2


def test_exit_codes_and_usage(tmp_path):
    assert run(tmp_path, "import sys; sys.exit(7)", expect=7) == ""
    command = [sys.executable, "-m", "tinytensor"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for arguments, code in (([], 2), (["--help"], 0), (["no such file.py"], 2)):
        done = subprocess.run(
            command + arguments, capture_output=True, text=True, env=environment, timeout=60
        )
        assert done.returncode == code and done.stdout + done.stderr
    code = "import torch, sys; print(torch.ones(2).sum().item(), sys.argv)"
    done = subprocess.run(
        [*command, "-c", code, "x"], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout == "2.0 ['-c', 'x']\n", done.stderr


def test_until_the_end_of_a_block():
    import tinytensor

    before = sys.modules.get("torch")
    with tinytensor.as_torch():
        import torch
        import torchvision.transforms

        assert torch is tinytensor and torchvision.transforms.Compose
    assert sys.modules.get("torch") is before
    assert "torchvision.transforms" not in sys.modules or before is not None


def test_missing_module_in_a_block():
    import tinytensor

    with tinytensor.as_torch(), pytest.raises(ModuleNotFoundError, match="compatibility"):
        import torch.no_such_module  # noqa: F401
