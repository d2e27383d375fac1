"""Source separation with the Hybrid Transformer Demucs: a mix becomes its four stems."""

from .separator import HTDemucs

__all__ = ["HTDemucs"]
