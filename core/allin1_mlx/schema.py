"""Read JSON files, check them against the schema of result files, and check their numbers.

The schema is `analysis.schema.json`. An error is one line that names the field: "beats[3] must be
at most 86400, found 1e+300".

Two limits are wide because this program itself writes such results. A tempo may be 0 to 6000 BPM:
two beats may be minutes apart, and beats that were placed by hand 10 ms. A path may have 4096
characters, as on Linux: it is the input as the user named it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ResultError, show_value
from .files import printable_name
from .types import Result

LARGEST_FILE = 20_000_000  # bytes
MOST_DIGITS = 20  # of a whole number

SHORTEST_BEAT = 0.001  # seconds between two beats
GAP = 0.011  # seconds between two sections that can result from rounding
BEYOND = 0.2  # seconds that beats and sections may exceed the duration, because decoders differ
REST = 1.0  # seconds at the end of the song that may have no section

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
        load_schema()(data)
    except JsonSchemaValueException as e:
        field = str(e.name).removeprefix("data").removeprefix(".")
        raise ResultError(_explain(field, str(e.rule), e.rule_definition, e.value)) from None


def _whole_number(text: str) -> int | Unusable:
    return int(text) if len(text) <= MOST_DIGITS else Unusable(text)


@lru_cache(maxsize=1)
def load_schema() -> Callable[[Any], Any]:
    """The compiled schema, as a function that raises an error for values that do not follow it."""
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


def check_numbers(result: Result, where: str = "") -> None:
    """Raise ResultError if numbers of a result contradict each other. where: prefix of fields."""
    beats, positions = len(result.beats), len(result.beat_positions)
    if beats != positions:
        raise ResultError(f"{where}beats: {beats}, but beat_positions: {positions}")
    end = np.inf if result.duration is None else result.duration + BEYOND
    for key, times in (("beats", result.beats), ("downbeats", result.downbeats)):
        steps = np.diff(np.asarray(times))
        if (steps < SHORTEST_BEAT).any():
            index = int(np.argmax(steps < SHORTEST_BEAT)) + 1
            raise ResultError(
                f"{where}{key} must increase, but {key}[{index}] is {times[index]} "
                f"after {times[index - 1]}"
            )
        if times and times[-1] > end:
            raise ResultError(f"{where}{key} must not lie after the duration, found {times[-1]}")
    _check_sections(result, where)


def _check_sections(result: Result, where: str) -> None:
    before = 0.0
    for index, segment in enumerate(result.segments):
        field = f"{where}segments[{index}]"
        if abs(segment.start - before) > GAP:
            raise ResultError(f"{field}.start must be {before}, found {segment.start}")
        if segment.end < segment.start:
            raise ResultError(f"{field}.end must not lie before its start, found {segment.end}")
        before = segment.end
    if result.duration is None or not result.segments:
        return
    if not before - BEYOND <= result.duration <= before + REST:
        raise ResultError(
            f"{where}segments must reach the duration {result.duration}, found {before}"
        )
