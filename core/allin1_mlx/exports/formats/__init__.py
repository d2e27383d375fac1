"""One module for each format, named like the format. A new module here is a new format."""
