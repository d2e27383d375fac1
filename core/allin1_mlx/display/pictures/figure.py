"""Writes Matplotlib figures to PNG, PDF and SVG files.

Texts in PDF and SVG files can be searched. Figures are made without pyplot, which would keep them
in memory and open a window system.
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
    """Write a figure in the format of the suffix. A failure leaves no incomplete file.

    Raises UsageError if the suffix is not one of FORMATS, OSError if the file cannot be
    written.
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
        "text.parse_math": False,  # a dollar sign in a title does not start a formula
    }
    # Without a date, equal results give equal files.
    dateless: dict[str, Any] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    with (
        replacing(path) as temporary,
        matplotlib.rc_context(settings),
        warnings.catch_warnings(),
    ):
        # Characters that no installed font has, such as emoji, become boxes without a warning.
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(temporary, dpi=DPI, format=kind, metadata=dateless[kind])
