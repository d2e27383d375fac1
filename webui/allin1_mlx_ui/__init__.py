"""The page: see, hear and explore a song's structure in a browser, on the user's own computer."""
