"""The published weights: addresses, sizes, SHA-256 and terms.

None of these files is part of this package. Sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

FOLDS = 8


@dataclass(frozen=True)
class Publisher:
    """A publisher of weights: the address and the terms of use."""

    title: str
    url: str  # folder that contains the files
    terms: str


@dataclass(frozen=True)
class WeightFile:
    """One published file."""

    name: str
    size: int
    sha256: str
    publisher: Publisher


HARMONIX = Publisher(
    title="harmonix, the all-in-one network of Taejun Kim and Juhan Nam, in MLX layout",
    url=(
        "https://raw.githubusercontent.com/ssmall256/all-in-one-mlx/"
        "da5f3474503fde41860b454a48bc9e7899cd5dfa/mlx-weights/"
    ),
    terms="MIT License, Copyright (c) 2023 Taejun Kim",
)
DEMUCS = Publisher(
    title="htdemucs, the Hybrid Transformer Demucs of Rouard, Massa and Défossez (Meta)",
    url="https://dl.fbaipublicfiles.com/demucs/hybrid_transformer/",
    terms=(
        "the authors' code is MIT; the weights carry no licence statement; others who "
        'redistribute them quote "personal and research use only"'
    ),
)

_FOLDS = (  # size and SHA-256 of the configuration, then of the weights
    (
        (1667, "669edb57eb2e1a527081b0e1c41455314a5a1b093f30b2407d9ba356e6f0a2d5"),
        (1263181, "2d04d162842b048c34d9476c061f2612e4b9cd339d264aa2fb6ec88c59fde1c0"),
    ),
    (
        (1667, "74cdc5aeac5f22d53249339c3cdb272d10ea4b6d758187d1eeaae090ed291f25"),
        (1263604, "1b83331d32a80762e92947c74be32dbc7d10cbed1abf980deab63bb3de556c8b"),
    ),
    (
        (1667, "df7f033210b6f96e5de32ed1e759cc864adb3247bc4f74cd271f48dacd9e3b37"),
        (1263513, "de816995b2132c8fc20a3547829d3fe5de342a6c58fd38ce8c93f2c85bc6d5e8"),
    ),
    (
        (1666, "81ffa99ef2e37a6f87cef0204a03b1dd8409cf9985a76af83616636642830688"),
        (1263500, "e9aaa20b6fbbff8416b50d2a9496c3ecc24b2752c5bc2765876a3a5ec9725e9c"),
    ),
    (
        (1667, "bcb7e5c82bbfa126f9302d601d40cae4853ea8dd92ea10f0a2f53f446a30a494"),
        (1263392, "1aa4bcfdf29908121107e4655be7f5baae9bcd49afc5c9763441033df8a20513"),
    ),
    (
        (1667, "7e3e3cfee4e4d8a643dfd325e5c126db1f8a0cb925ebe4d2a2fb936599967e50"),
        (1263301, "435bebb4ebe55b158d2656e541e737b66fb844725dd56f5a2ff0dc2964046005"),
    ),
    (
        (1667, "d24fba03d24637d7c1026ac40f283a60617af0effccc7869643d5d53d401e93c"),
        (1263398, "0f86b5f00468f1546f558fdc72a4cb3fa91342c039bbf381d6c85f0e31d0b76d"),
    ),
    (
        (1667, "eba56bdf405973a6d762b85d66743a73da1ba5e268311c33be3ecb1f78fb51b9"),
        (1263287, "682a87d253dbdcd1d9e343c6fae73e118d32441d86a3a409714779fc49ad327f"),
    ),
)


def fold_files(fold: int) -> tuple[WeightFile, WeightFile]:
    """The configuration and the weights of a harmonix fold, 0 to 7."""
    config, weights = _FOLDS[fold]
    return (
        WeightFile(f"harmonix-fold{fold}_mlx.yaml", *config, HARMONIX),
        WeightFile(f"harmonix-fold{fold}_mlx.npz", *weights, HARMONIX),
    )


HTDEMUCS_FILE = WeightFile(
    "955717e8-8726e21a.th",
    84_141_911,
    "8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4",
    DEMUCS,
)

PUBLISHED: dict[str, tuple[WeightFile, ...]] = {
    **{f"harmonix-fold{fold}": fold_files(fold) for fold in range(FOLDS)},
    "harmonix-all": tuple(file for fold in range(FOLDS) for file in fold_files(fold)),
    "htdemucs": (HTDEMUCS_FILE,),
}
