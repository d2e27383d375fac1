"""What plot.py (static), timeline.py (interactive) and timings.py share.

palette.py    colours, for light and dark backgrounds
envelope.py   the loudness of a song over time
rows.py       the rows of a timeline, their axes and texts
figure.py     Matplotlib figures -> files
"""
