"""Pick docstrings, comments and messages at random, to read them and judge their English.

python tests/benchmarks/texts.py --seed 1 --count 30
"""

from __future__ import annotations

import argparse
import ast
import random
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("core/allin1_mlx", "core/allin1_mlx_training", "webui/allin1_mlx_ui")
SHORTEST = 20  # characters of a message or comment


@dataclass(frozen=True)
class Text:
    """One text. kind: docstring, message or comment. line: counts from 1."""

    path: Path
    line: int
    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} ({self.kind})\n    {self.words}"


def find_texts(path: Path) -> Iterator[Text]:
    """All texts of one source file."""
    source = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    documented = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                documented.add(first.value)
                words = str(first.value.value).strip()
                yield Text(name, first.lineno, "docstring", words)
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inner = {part for string in strings for part in string.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and (node in documented or node in inner):
            continue
        if isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str):
            words = _spell(node)
            if len(words) >= SHORTEST and words.count(" ") >= 3:
                yield Text(name, node.lineno, "message", words)
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            words = token.string.lstrip("# ")
            if token.type == tokenize.COMMENT and len(words) >= SHORTEST:
                yield Text(name, token.start[0], "comment", words)


def _spell(node: ast.AST) -> str:
    """The text of a string, with the expressions of an f-string in braces."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_spell(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return "{" + ast.unparse(node.value) + "}"
    return str(getattr(node, "value", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=30, help="0 prints all texts in order")
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    options = parser.parse_args()
    files = [
        path for package in options.packages for path in sorted((ROOT / package).rglob("*.py"))
    ]
    texts = [text for path in files for text in find_texts(path)]
    if options.count:
        texts = random.Random(options.seed).sample(texts, options.count)
    for text in texts:
        print(text)


if __name__ == "__main__":
    main()
