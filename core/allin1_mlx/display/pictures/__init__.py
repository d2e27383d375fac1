"""What the pictures of a song share: `plot` (static), `timeline` (interactive), `timings`.

palette.py    colours, on light and dark ground
envelope.py   how loud a song is over time, small enough to draw
rows.py       the rows of a timeline, their axes and writing
figure.py     Matplotlib's figures -> files
"""
