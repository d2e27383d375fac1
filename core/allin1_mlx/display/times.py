"""Times as text."""

from __future__ import annotations


def clock_time(seconds: float) -> str:
    """Seconds to a tenth, as in 0:07.8, 3:25.0 and 1:02:03.5."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02}.{rest % 10}"


def write_time(seconds: float) -> str:
    """Seconds to the hundredth, as in 1:23.46 and 1:02:03.46."""
    hundredths = round(seconds * 100)
    minutes = hundredths // 6000
    head = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
    return f"{head}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
