"""Web pages in one file each, which need no other file and no network.

chart.py   the sections and bars of a song on one sheet of paper
saved.py   the timeline of a song, with its sound and click if wanted
sound.py   the sound in such a page
"""
