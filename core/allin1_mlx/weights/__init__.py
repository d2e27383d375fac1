"""Weights of networks: what is published, what is on this machine, and downloads.

models.py     which files a model's name stands for: `find_model`, `find_htdemucs`
access.py     where they may come from: `Access`, `fetch`
registry.py   what is published: addresses, sizes, SHA-256, terms
download.py   a published file, whole and verified, or not at all
web.py        HTTP in limited time
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
