"""Source separation with the Hybrid Transformer Demucs: from a mix to four stems."""

from .separator import HTDemucs

__all__ = ["HTDemucs"]
