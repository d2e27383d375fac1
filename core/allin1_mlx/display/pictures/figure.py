"""Writing static pictures by Matplotlib, the same way for all of them.

PNG, PDF and SVG by the file's suffix; texts in PDF and SVG stay texts that can be searched.
Figures are made without pyplot, which would keep them alive and choose a window system.
"""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...files import printable_name, replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "png", "svg")
DPI = 160  # of PNG


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure, whole or not at all.

    Raises UsageError where the suffix is none of FORMATS, OSError where it cannot be written.
    """
    import matplotlib
    from matplotlib.text import Text

    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(
            f"{printable_name(path)}: pictures are written as {', '.join(FORMATS)}, "
            f"not as {kind or 'a file without a suffix'}"
        )
    settings: Any = {
        "pdf.fonttype": 42,  # letters stay letters
        "svg.fonttype": "none",
        "svg.hashsalt": "",
        "text.parse_math": False,  # a dollar sign in a title is no formula
    }
    # Nothing in the file tells when it was made, so that equal results are equal files.
    dateless: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with (
        replacing(path) as temporary,
        matplotlib.rc_context(settings),
        warnings.catch_warnings(),
    ):
        # Letters that no font here has (emoji in a title) are drawn as boxes; that is no news.
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(temporary, dpi=DPI, format=kind, metadata=dateless[kind])
