"""A song chart to print, as a web page in one file."""

from __future__ import annotations

from ...display.pages.chart import write_chart
from ...types import Result
from ..format import File, Format, Options


def render(result: Result, options: Options) -> bytes:
    """The page in UTF-8; characters that UTF-8 cannot encode become question marks."""
    return write_chart(result).encode("utf-8", "replace")


FORMAT = Format(
    description="sections, bars and tempo on one page to print, for any browser",
    title="Song chart",
    hint="sections, bars and tempo on one page",
    files=(File(".chart.html", "to print", render, shown=True),),
)
