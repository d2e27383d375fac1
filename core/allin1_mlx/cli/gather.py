"""Convert the options of the command line to values of the API."""

from __future__ import annotations

import argparse

from ..batch.outputs import Outputs
from ..options import ComputeOptions, StemOptions
from ..weights import Access


def gather_outputs(options: argparse.Namespace) -> Outputs:
    """The files to write."""
    return Outputs(
        out_dir=options.out_dir,
        array_dir=options.array_dir,
        activations=options.activ,
        embeddings=options.embed,
        visualize=options.visualize,
        viz_dir=options.viz_dir,
        viz_format=options.viz_format,
        with_sound=options.with_sound,
        sonify=options.sonify,
        sonif_dir=options.sonif_dir,
        exports=options.export,
        export_dir=options.export_dir,
        midi_simplify=options.midi_simplify,
        keep_byproducts=options.keep_byproducts,
        demix_dir=options.demix_dir,
        spec_dir=options.spec_dir,
        in_memory=options.mlx_in_memory,
        overwrite=options.overwrite,
    )


def gather_access(options: argparse.Namespace) -> Access:
    """The places from which weights may come."""
    return Access(
        weights_dir=options.mlx_weights_dir,
        offline=options.offline,
        url=options.weights_url,
        weights_path=options.mlx_weights_path,
        config_path=options.mlx_config_path,
    )


def gather_stems(options: argparse.Namespace, *, alone: bool) -> StemOptions:
    """The options of stems. alone: whether there is only one song."""
    return StemOptions(folder=options.stems_dir, single_song=alone, seed=options.demix_seed or 0)


def gather_compute(options: argparse.Namespace) -> ComputeOptions:
    """The options of the computation."""
    return ComputeOptions(
        spec_backend=options.spec_backend,
        compiled=options.mlx_compile,
        ensemble_parallel=options.ensemble_parallel,
    )
