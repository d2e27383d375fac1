"""One module for each format, named like the format. A new module here is a new format."""

import os

_FILES = (os.path.splitext(file) for file in os.listdir(__path__[0]))
NAMES = tuple(sorted(name for name, kind in _FILES if kind == ".py" and name[0] != "_"))
