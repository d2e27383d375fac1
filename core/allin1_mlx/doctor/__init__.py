"""Whether the program works on this machine, as a table for a bug report.

table.py     the findings, and the table of all of them: `examine`
machine.py   versions, devices, ffmpeg, folders, weights
trial.py     the example song on one device, and how its result compares with the stored one
trial.npz    the stored result; `python -m allin1_mlx.doctor.trial` writes it again
"""
