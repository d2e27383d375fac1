"""JSON of result files: read it, check it against `analysis.schema.json`, write its lines.

An error is one line that names the field: "beats[3] must be at most 86400, found 1e+300".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from .errors import ResultError, show_value
from .files import printable_name

LARGEST_FILE = 20_000_000  # bytes
MOST_DIGITS = 20  # of a whole number

_RULES = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} entries",
    "maxItems": "must have at most {} entries",
    "const": "must be {}",
    "enum": "must be one of {}",
    "pattern": "must match {}",
}
_KINDS = {
    "array": "a list",
    "object": "an object",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "null": "null",
}


class Unusable:
    """Stands for a number that JSON does not allow or that is too long. No field accepts it."""

    def __init__(self, text: str) -> None:
        self.text = text if len(text) <= MOST_DIGITS else f"a number of {len(text)} digits"

    def __repr__(self) -> str:
        return self.text


def load_json(path: str | PathLike[str]) -> Any:
    """Read a JSON file. Its content is not checked yet.

    Raises ResultError if the file is too large or not JSON, OSError if it cannot be read.
    """
    name = printable_name(path)
    with Path(path).open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ResultError(f"{name}: larger than {LARGEST_FILE // 10**6} MB, so not a result")
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_constant=Unusable, parse_int=_whole_number)
    except UnicodeDecodeError as e:
        raise ResultError(f"{name}: not a JSON file, but binary data") from e
    except json.JSONDecodeError as e:
        raise ResultError(f"{name}: not a JSON file, or damaged in line {e.lineno}") from e
    except RecursionError as e:
        raise ResultError(f"{name}: not a result, nested too deeply") from e


def check_schema(data: Any) -> None:
    """Raise ResultError for the first field that does not follow the schema.

    Edits are checked by their classes instead, whose messages are more helpful.
    """
    from fastjsonschema import JsonSchemaValueException

    try:
        _validator()(data)
    except JsonSchemaValueException as e:
        field = str(e.name).removeprefix("data").removeprefix(".")
        raise ResultError(_explain(field, str(e.rule), e.rule_definition, e.value)) from None


def _whole_number(text: str) -> int | Unusable:
    return int(text) if len(text) <= MOST_DIGITS else Unusable(text)


@lru_cache(maxsize=1)
def _validator() -> Callable[[Any], Any]:
    """The compiled schema; made when the first file is read."""
    import fastjsonschema

    path = Path(__file__).with_name("analysis.schema.json")
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["edits"]["items"] = {}
    validate: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False)
    return validate


def _explain(field: str, rule: str, limit: Any, value: Any) -> str:
    """One line about a field that does not follow a rule of the schema."""
    if rule == "required":
        missing = [key for key in limit if key not in value]
        if not field:
            return f"not the result of an analysis: {', '.join(missing)} is missing"
        return f"{field}.{missing[0]} is missing"
    if rule == "additionalProperties":
        return f"{field} has an unknown key"
    if rule == "type":
        kinds = [_KINDS[kind] for kind in ([limit] if isinstance(limit, str) else limit)]
        return f"{field or 'the file'} must be {' or '.join(kinds)}, found {show_value(value)}"
    return f"{field} {_RULES.get(rule, rule).format(limit)}, found {show_value(value)}"


def json_lines(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """The lines of a JSON object: one for each key, and one for each object in a list."""
    yield "{"
    for index, (key, item) in enumerate(value.items()):
        comma = "," if index < len(value) - 1 else ""
        head = f"{indent}  {_dumps(key)}: "
        if isinstance(item, dict) and key == "detection":
            first, *lines, last = json_lines(item, indent + "  ")
            yield head + first
            yield from lines
            yield last + comma
        elif isinstance(item, (list, tuple)) and item and isinstance(item[0], dict):
            rows = [f"{indent}    {_dumps(row)}" for row in item]
            yield head + "["
            yield ",\n".join(rows)
            yield f"{indent}  ]{comma}"
        else:
            yield head + _dumps(item) + comma
    yield indent + "}"


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
