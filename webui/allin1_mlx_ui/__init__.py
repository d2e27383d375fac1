"""The page: see, hear and explore a song's structure in a browser on one's own computer."""
