"""Which module imports which, read from the source: imports inside functions count too."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import allin1_mlx
import allin1_mlx_training
import allin1_mlx_ui

PACKAGES = [Path(p.__file__).parent for p in (allin1_mlx, allin1_mlx_training, allin1_mlx_ui)]


def read_sources(roots: list[Path]) -> dict[str, Path]:
    """The file of each module, by the module's dotted name."""
    sources = {}
    for root in roots:
        for file in root.rglob("*.py"):
            parts = file.relative_to(root.parent).with_suffix("").parts
            sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return sources


def list_imports(module: str, file: Path, known: set[str]) -> set[str]:
    """The modules of `known` that a file imports.

    `from a.b import c` imports a.b.c where that is a module, and else a.b. In both cases a.b runs,
    which counts too, unless the file is in a.b itself.
    """
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= names & known or {base}
    rooms = {name.rpartition(".")[0] for name in found if name.count(".") > 1}
    return ((found | rooms - {".".join(package)}) & known) - {module}


def build_graph(roots: list[Path]) -> dict[str, set[str]]:
    sources = read_sources(roots)
    return {module: list_imports(module, file, set(sources)) for module, file in sources.items()}


def test_no_module_imports_itself_through_others():
    graph = build_graph(PACKAGES)
    assert len(graph) > 100
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as e:
        pytest.fail(" -> ".join(e.args[1]))


def test_the_guide_for_newcomers_lists_at_most_15_modules_that_exist():
    guide = (Path(__file__).parents[2] / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = guide.split("## One song, module by module")[1].split("\n## ")[0]
    story = re.findall(r"^\d+\. `([\w/]+\.py)`: \w", section, flags=re.MULTILINE)
    assert len(set(story)) == len(story)
    assert 10 <= len(story) <= 15
    named = set(re.findall(r"`([\w/]+\.py)`", section)) - {"__init__.py"}
    assert set(story) < named
    assert [name for name in sorted(named) if not (PACKAGES[0] / name).is_file()] == []


def test_imports_in_functions_and_through_a_room_are_found(tmp_path):
    room = tmp_path / "house" / "room"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text("from .b import y\n", encoding="utf-8")
    (room / "a.py").write_text("def late():\n    from .b import y\n", encoding="utf-8")
    (room / "b.py").write_text("import house.c\n", encoding="utf-8")
    (tmp_path / "house" / "c.py").write_text("from .room import a\n", encoding="utf-8")
    graph = build_graph([tmp_path / "house"])
    assert graph == {
        "house.room": {"house.room.b"},
        "house.room.a": {"house.room.b"},
        "house.room.b": {"house.c"},
        "house.c": {"house.room", "house.room.a"},
    }
