"""Analyse a folder of annotated songs for scoring: ROOT/<set>/<track>/mix.* -> OUT/<set>/.

python tests/benchmarks/accuracy.py ROOT OUT [--model M] [--weights-dir DIR] [--true-stems]
    [--sections auto|joint|reference]
python ROOT/score.py OUT

Where a track has `segments_*.json`, what another network heard there, how far the boundaries agree
(F-measure within 3 s) is printed.
"""

import argparse
import json
import sys
from pathlib import Path

from allin1_mlx.options import DecodingOptions, StemOptions
from allin1_mlx.pipeline import Analyzer
from allin1_mlx.types import Segment
from allin1_mlx.weights import Access
from allin1_mlx_training.evaluate import f_measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--weights-dir", type=Path)
    parser.add_argument("--true-stems", action="store_true", help="bass.ogg ... beside each mix")
    parser.add_argument("--sections", choices=("auto", "joint", "reference"), default="auto")
    options = parser.parse_args()
    weights = Access(options.weights_dir)
    decoding = DecodingOptions(sections=options.sections)
    analyzer = Analyzer(options.model, weights=weights, decoding=decoding)
    for mix in sorted(options.root.glob("*/*/mix.*")):
        if options.true_stems:
            if not (mix.parent / "bass.ogg").exists():
                continue
            analyzer = Analyzer(
                options.model,
                weights=weights,
                decoding=decoding,
                stems=StemOptions(mix.parent),
            )
        track, collection = mix.parent, mix.parent.parent
        analysis = analyzer(mix)
        result = options.out / collection.name / f"{track.name}.json"
        result.parent.mkdir(parents=True, exist_ok=True)
        result.write_text(analysis.to_json(), encoding="utf-8")
        print(f"{collection.name}/{track.name}: {analysis.bpm} BPM", file=sys.stderr)
        for other in track.glob("segments_*.json"):
            print(f"{track.name} {other.stem}: {agreement(analysis.segments, other):.3f}")


def agreement(segments: tuple[Segment, ...], other: Path) -> float:
    """F-measure of the inner boundaries, 3 s to either side, against those in a file."""
    reference = [segment["start"] for segment in json.loads(other.read_text())[1:]]
    return f_measure(reference, [segment.start for segment in segments[1:]], window=3.0)


if __name__ == "__main__":
    main()
