"""Write the edits into the JSON Schema of result files: python tests/support/schema.py

A test compares the schema with the edit classes. Run this after a change of the classes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import allin1_mlx
from allin1_mlx.edits import edit_schema

FILE = Path(allin1_mlx.__file__).parent / "analysis.schema.json"
WIDTH = 100


def layout(value: Any, indent: str = "", before: int = 0) -> str:
    """JSON in which each object or array that fits into one line has one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not value or len(indent) + before + len(line) < WIDTH or not isinstance(value, (dict, list)):
        return line
    inner = indent + "  "
    if isinstance(value, list):
        rows = [inner + layout(item, inner) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    heads = [f"{json.dumps(key)}: " for key in value]
    rows = [
        inner + head + layout(item, inner, len(head))
        for head, item in zip(heads, value.values(), strict=True)
    ]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def main() -> None:
    """Rewrite the file."""
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    schema["$defs"]["edit"] = edit_schema()
    FILE.write_text(layout(schema) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
