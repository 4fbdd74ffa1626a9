"""What the documentation shows is what happens."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import re
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from util import MODULE, torch

pytestmark = pytest.mark.skipif(MODULE != "tinytensor", reason="the documentation is tinytensor's own")

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(page.name for page in (DOCS / "en").glob("*.md"))
PROGRAM = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def programs(page: Path) -> list[tuple[str, str | None, int]]:
    """The blocks of Python of a page, what they are said to print, and the line on which each starts."""
    text = page.read_text()
    return [(match[1], match[2], text.count("\n", 0, match.start(1))) for match in PROGRAM.finditer(text)]


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


@pytest.mark.parametrize("name", PAGES)
def test_tutorial_prints_what_it_says(name: str, scratch: None) -> None:
    if "vision" in (page := DOCS / "en" / name).read_text():
        pytest.importorskip("PIL")
    names: dict[str, Any] = {"__name__": "page"}
    for code, printed, line in programs(page):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("\n" * line + code, str(page), "exec"), names)
        assert output.getvalue() == (printed or ""), f"{page}, line {line}"


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_show_the_same_programs(name: str) -> None:
    english, chinese = (
        [block[:2] for block in programs(DOCS / language / name)] for language in ("en", "zh")
    )
    assert english
    assert chinese == english


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(page.name for page in (DOCS / "zh").glob("*.md")) == PAGES
    menu = (DOCS.parent / "mkdocs.yml").read_text()
    assert all(f"- {language}/{name}\n" in menu for language in ("en", "zh") for name in PAGES)


def exists(path: str) -> bool:
    path = path.replace("torchvision", "tinytensor.vision", 1).replace("torch.", "tinytensor.", 1)
    try:
        attrgetter(path.partition(".")[2])(torch)
    except (AttributeError, ModuleNotFoundError):
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.util.find_spec(path) is not None
        return False
    return True


def test_what_is_said_to_be_missing_is_missing() -> None:
    table = (DOCS / "compatibility.md").read_text().split("## Not there")[1].split("\n## ")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    names = re.findall(r"`(torch\S*?)`", " ".join(first_cells))
    assert len(names) > 20
    assert (
        exists("torch.nn.Linear") and exists("torch.autograd.functional") and exists("torchvision.datasets")
    )
    assert [name for name in names if exists(name)] == [], (
        "take these out of docs/compatibility.md: they exist"
    )


def test_reference_is_written(tmp_path, monkeypatch) -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec and spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    monkeypatch.setattr(generate, "REFERENCE", tmp_path / "reference")
    generate.main()
    page = (tmp_path / "reference" / "nn.md").read_text()
    assert "### Linear\n\n```python\nLinear(in_features: int, out_features: int, bias: bool = True" in page
    assert (
        "| `add` | function, method, in-place, out= |"
        in (tmp_path / "reference" / "operations.md").read_text()
    )
    assert "add(input: Tensor | Number" in (tmp_path / "reference" / "torch.md").read_text()


@pytest.mark.parametrize("name", ["", ".nn", ".nn.functional", ".optim", ".utils", ".vision"])
def test_errors_about_names_point_to_the_page(name: str) -> None:
    module = importlib.import_module("tinytensor" + name)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'; docs/compatibility\.md"):
        module.nothing
    assert (DOCS / "compatibility.md").is_file()
