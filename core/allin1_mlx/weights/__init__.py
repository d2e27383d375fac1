"""Weights of networks: what is published, what is on this machine, and downloads.

models.py     finds the files of a model: `find_model`, `find_htdemucs`
access.py     places from which weights may come: `Access`, `fetch`
registry.py   the published files: addresses, sizes, SHA-256, terms
download.py   downloads a published file and verifies it
web.py        HTTP requests with time limits
"""

from .access import WEIGHTS_DIR, Access, announce, cache_dir, fetch
from .models import (
    MODELS,
    ModelFiles,
    bundled_files,
    config_beside,
    find_fold,
    find_htdemucs,
    find_missing,
    find_model,
)

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
