"""Weights of networks: what is published, what is here, and how the one becomes the other.

models.py     which files a model's name stands for: `find_model`, `find_htdemucs`
access.py     where they may come from: `Access`, `fetch`
places.py     where they lie on this machine
registry.py   what is published: addresses, sizes, SHA-256, terms
download.py   a published file, whole and verified, or not at all
web.py        HTTP in limited time
cli.py        `allin1-mlx weights ...`
"""

from .access import Access, announce, fetch
from .models import MODELS, ModelFiles, find_htdemucs, find_missing, find_model
from .places import WEIGHTS_DIR, bundled_files, cache_dir, config_beside, find_fold

__all__ = [
    "MODELS",
    "WEIGHTS_DIR",
    "Access",
    "ModelFiles",
    "announce",
    "bundled_files",
    "cache_dir",
    "config_beside",
    "fetch",
    "find_fold",
    "find_htdemucs",
    "find_missing",
    "find_model",
]
