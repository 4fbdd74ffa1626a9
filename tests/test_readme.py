"""What the READMEs show is what stands in the files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def added_lines(text: str) -> list[tuple[str, str]]:
    """The lines that the diff in a Markdown text adds, each with its file."""
    result, file = [], ""
    for line in text.split("```diff")[1].split("```")[0].splitlines():
        if line.startswith("--- "):
            file = line[4:]
        elif line.startswith("+"):
            result.append((file, line[1:]))
    return result


def test_the_diff_that_adds_an_op_is_the_one_in_the_tree() -> None:
    added = added_lines((ROOT / "csrc/README.md").read_text())
    assert 5 <= len(added) <= 15
    assert len({file for file, _ in added}) <= 5
    for file, line in added:
        assert line in (ROOT / file).read_text().splitlines(), f"{file} has no line {line!r}"
