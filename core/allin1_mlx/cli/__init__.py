"""The command line. The only part of the package that prints.

main.py       `allin1-mlx`; options.py: its options
run.py        one run: analyses the songs that the options name
progress.py   prints results and progress
weights.py    `allin1-mlx weights`
doctor.py     `allin1-mlx doctor`
"""
