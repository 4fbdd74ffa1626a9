"""Writes docs/reference: the reference, from signatures and docstrings, and the table of what the catalogue tests.

python docs/generate.py
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import tinytensor as torch

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS / "reference"
WIDTH = 100

# File, title, and the modules whose names stand on the page. A module that is not there is left out.
PAGES: list[tuple[str, str, list[str]]] = [
    ("torch", "torch", [""]),
    ("autograd", "torch.autograd", ["autograd", "autograd.functional", "autograd.graph", "func"]),
    ("nn", "torch.nn", ["nn"]),
    ("functional", "torch.nn.functional", ["nn.functional", "nn.attention"]),
    ("init", "torch.nn.init", ["nn.init"]),
    (
        "nn_utils",
        "torch.nn.utils",
        ["nn.utils", "nn.utils.rnn", "nn.utils.prune", "nn.utils.parametrize", "nn.utils.parametrizations"],
    ),
    ("optim", "torch.optim", ["optim", "optim.swa_utils"]),
    ("lr_scheduler", "torch.optim.lr_scheduler", ["optim.lr_scheduler"]),
    ("data", "torch.utils.data", ["utils.data"]),
    ("serialization", "Files", ["serialization", "safetensors", "hub"]),
    (
        "distributions",
        "torch.distributions",
        ["distributions", "distributions.constraints", "distributions.utils"],
    ),
    ("amp", "torch.amp", ["amp"]),
    ("fx", "torch.fx", ["fx", "overrides"]),
    ("onnx", "torch.onnx", ["onnx", "onnx.errors"]),
    ("profiler", "torch.profiler", ["profiler", "autograd.profiler", "utils.benchmark"]),
    ("devices", "Devices and processes", ["cuda", "cpu", "multiprocessing", "random"]),
    (
        "vision",
        "torchvision",
        [
            "vision.datasets",
            "vision.transforms",
            "vision.transforms.functional",
            "vision.models",
            "vision.models.detection",
            "vision.models.segmentation",
            "vision.ops",
            "vision.utils",
        ],
    ),
    (
        "vision_samples",
        "torchvision.transforms.v2",
        ["vision.tv_tensors", "vision.transforms.v2", "vision.transforms.v2.functional"],
    ),
]

# What the page of differences lists by name.
NAMED = ["nn", "nn.functional", "nn.init", "optim", "optim.lr_scheduler", "utils.data"]


# ---------------------------------------------------------------- one object


def annotation_text(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(_C|typing|collections\.abc)\.", "", text)


def default_text(value: Any) -> str:
    if inspect.isclass(value) or inspect.isroutine(value):
        return str(value.__name__)
    text = repr(value)
    return "..." if text.startswith("<") else text.removeprefix("torch.")


def parameter_text(parameter: inspect.Parameter) -> str:
    text = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(
        parameter.kind, ""
    ) + parameter.name
    annotated = parameter.annotation is not parameter.empty and annotation_text(parameter.annotation) != "Any"
    if annotated:
        text += f": {annotation_text(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        text += (" = " if annotated else "=") + default_text(parameter.default)
    return text


def parameters_of(function: Any, bound: bool) -> list[str]:
    parameters = list(inspect.signature(function).parameters.values())[int(bound) :]
    parts: list[str] = []
    for i, parameter in enumerate(parameters):
        before = parameters[i - 1].kind if i else None
        if parameter.kind is parameter.KEYWORD_ONLY and before not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            parts.append("*")
        if before is parameter.POSITIONAL_ONLY and parameter.kind is not parameter.POSITIONAL_ONLY:
            parts.append("/")
        parts.append(parameter_text(parameter))
    return parts


def in_core(value: Any) -> bool:
    return type(value).__name__ in ("OpFunction", "OpMethod")


def signatures(name: str, value: Any, bound: bool = False) -> list[str]:
    """How a function or class is called; several lines where there are several ways."""
    if in_core(value):
        lines = [line for line in value.__doc__.splitlines() if re.match(r"\w+\(.*\)$", line)]
        return [name + line[line.index("(") :] for line in lines]
    try:
        parts = parameters_of(value, bound)
    except (ValueError, TypeError):
        first = (inspect.getdoc(value) or "").split("\n")[0]
        return [first] if re.match(rf"{re.escape(name)}\(", first) else []
    line = f"{name}({', '.join(parts)})"
    return [line] if len(line) <= WIDTH else [f"{name}(\n    " + ",\n    ".join(parts) + ",\n)"]


def description(value: Any) -> str:
    """The docstring as Markdown; empty where an object has none of its own."""
    text = inspect.cleandoc(value.__doc__ or "")
    if inspect.isclass(value) and "__doc__" not in vars(value):
        return ""
    if in_core(value) or type(value).__name__ == "builtin_function_or_method":
        text = "\n".join(line for line in text.splitlines() if not re.match(r"\w+\(.*\)( -> .*)?$", line))
    return markdown(text.strip())


def escaped(text: str) -> str:
    """Plain text as Markdown; what stands between backquotes is left as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    special = str.maketrans({"<": "&lt;", **{character: "\\" + character for character in "\\*_[]"}})
    return "".join(part if part.startswith("`") else part.translate(special) for part in parts)


def markdown(text: str) -> str:
    """Examples and indented lines become blocks of code, everything else is text."""
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.splitlines()
        example = next((i for i, line in enumerate(lines) if line.lstrip().startswith(">>>")), len(lines))
        prose, code = lines[:example], lines[example:]
        if prose and all(line.startswith("  ") for line in prose):
            blocks.append("```text\n" + "\n".join(prose) + "\n```")
        elif prose:
            blocks.append(escaped("\n".join(line.strip() for line in prose)))
        if code:
            blocks.append("```pycon\n" + inspect.cleandoc("\n".join(code)) + "\n```")
    return "\n\n".join(blocks)


def methods(cls: type) -> list[tuple[str, Any]]:
    """Documented public methods of a class, with those of the private classes that it is made of."""
    found: dict[str, Any] = {}
    for part in (cls, *(base for base in cls.__bases__ if "._" in base.__module__)):
        for name, value in vars(part).items():
            function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            if not name.startswith("_") and inspect.isroutine(function) and function.__doc__:
                found.setdefault(name, function)
    return sorted(found.items())


def entry(title: str, value: Any, name: str, bound: bool = False) -> str:
    lines = signatures(name, value, bound)
    parts = [f"### {escaped(title)}"]
    if lines:
        parts.append("```python\n" + "\n".join(lines) + "\n```")
    parts.append(description(value))
    if inspect.isclass(value) and not issubclass(value, torch.Tensor):
        parts.append("\n".join(method_line(*method) for method in methods(value)))
    return "\n\n".join(part for part in parts if part)


def method_line(name: str, function: Any) -> str:
    called = signatures(name, function, bound=True)
    shown = called[0] if called and "\n" not in called[0] else f"{name}(...)"
    return f"- `{shown}`: " + description(function).split("\n\n")[0].replace("\n", " ")


# ---------------------------------------------------------------- one page


def module_at(path: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"tinytensor.{path}" if path else "tinytensor")
    except ModuleNotFoundError:
        return None


def public_names(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    return sorted({name for name in names if not name.startswith("_")}, key=lambda name: (name.lower(), name))


def objects(module: ModuleType, kind: Callable[[Any], bool]) -> list[tuple[str, Any]]:
    """The public classes or functions of a module that are tinytensor's own."""
    result = []
    for name in public_names(module):
        value = getattr(module, name)
        home = getattr(value, "__module__", None) or "tinytensor"
        if kind(value) and (in_core(value) or home.split(".")[0] == "tinytensor"):
            result.append((name, value))
    return result


def is_function(value: Any) -> bool:
    return inspect.isroutine(value) or in_core(value)


def module_sections(path: str, taken: set[int]) -> list[str]:
    module = module_at(path)
    if module is None:
        return []
    sections = []
    for title, kind in (("Classes", inspect.isclass), ("Functions", is_function)):
        found = [(name, value) for name, value in objects(module, kind) if id(value) not in taken]
        taken.update(id(value) for _, value in found)
        entries = [entry(name, value, name) for name, value in found if name != "Tensor"]
        if entries:
            sections.append(f"## {title}{f' of {escaped(path)}' if path else ''}")
            sections += entries
    return sections


def module_page(title: str, paths: Iterable[str]) -> str:
    sections, taken = [f"# {title}"], set()
    for path in paths:
        sections += module_sections(path, taken)
    return "\n\n".join(sections) + "\n"


def tensor_page() -> str:
    members = [
        (name, value) for name, value in sorted(vars(torch.Tensor).items()) if not name.startswith("_")
    ]
    calls = [entry(name, value, name, not in_core(value)) for name, value in members if is_function(value)]
    values = "\n".join(
        f"- `{name}`: {escaped(inspect.getdoc(value) or '')}"
        for name, value in members
        if inspect.isgetsetdescriptor(value) and value.__doc__
    )
    intro = "Operators (`+`, `@`, `==`, indexing and so on) are those of PyTorch."
    return "\n\n".join(["# torch.Tensor", intro, "## Attributes", values, "## Methods", *calls]) + "\n"


# ---------------------------------------------------------------- what the tests cover


def has(home: Any, path: str) -> bool:
    try:
        attrgetter(path)(home)
    except AttributeError:
        return False
    return True


def types_text(dtypes: set[str]) -> str:
    from catalog.row import ALL, FLOATS, INTEGERS, NUMBERS

    for text, group in (("all", ALL), ("numbers", NUMBERS)):
        if dtypes >= set(group):
            return text
    parts = []
    for text, group in (("integers", INTEGERS), ("floats", FLOATS)):
        if dtypes >= set(group):
            parts.append(text)
            dtypes = dtypes - set(group)
    return ", ".join([*(name for name in ALL if name in dtypes), *parts])


def operations_page() -> str:
    sys.path.insert(0, str(DOCS.parent / "tests"))
    from catalog import OPS

    rows: dict[str, list[Any]] = {}
    for op in OPS:
        if has(torch, op.name) or has(torch.Tensor, op.name):
            rows.setdefault(op.name, []).append(op)
    lines = []
    kinds = {"f": "function", "m": "method", "i": "in-place", "o": "out="}
    for name, ops in sorted(rows.items(), key=lambda row: row[0].lower()):
        forms = "".join(op.forms for op in ops)
        spelled = ", ".join(text for letter, text in kinds.items() if letter in forms)
        if not spelled:
            spelled = "operator" if name.startswith("__") else "function" if has(torch, name) else "method"
        order = max(op.order for op in ops)
        types = types_text({dtype for op in ops for dtype in op.dtypes})
        lines.append(f"| `{name}` | {spelled} | {types} | {order or ''} |")
    parts = [
        "# What the tests cover",
        "Every operation below is compared with a NumPy reference on odd shapes, strided views and empty tensors, in each "
        "of its element types, and with PyTorch itself where that is installed. *numbers* are integers and floats, *all* "
        "adds bool; *floats* are float16, bfloat16, float32 and float64. The last column is the order up to which the "
        "derivatives are compared with difference quotients.",
        "| Operation | Forms | Element types | Derivatives |\n| --- | --- | --- | --- |\n" + "\n".join(lines),
        "## Names",
        *named_sections(),
    ]
    return "\n\n".join(parts) + "\n"


def named_sections() -> list[str]:
    parts = []
    for path in NAMED:
        module = module_at(path)
        if module is not None:
            found = [*objects(module, inspect.isclass), *objects(module, is_function)]
            parts += [f"### torch.{escaped(path)}", ", ".join(f"`{name}`" for name, _ in found)]
    return parts


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    pages = {"Tensor": tensor_page(), "operations": operations_page()}
    for file, title, paths in PAGES:
        pages[file] = module_page(title, paths)
    for file, text in pages.items():
        (REFERENCE / f"{file}.md").write_text(text)
    print(f"wrote {len(pages)} pages to {REFERENCE}")


if __name__ == "__main__":
    main()
