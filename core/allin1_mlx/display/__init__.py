"""Everything that a person sees and hears of a result: pictures, timeline, click, times as text."""
