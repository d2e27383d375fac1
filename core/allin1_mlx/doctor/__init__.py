"""Checks whether the program works on this machine, as a table for a bug report.

table.py     all findings, and their table: `examine`
machine.py   versions, devices, ffmpeg, folders, weights
trial.py     analyses the example song on one device and compares the result with the stored one
trial.npz    the stored result; `python -m allin1_mlx.doctor.trial` writes it again
"""
