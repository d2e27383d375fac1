"""Analyse a folder of annotated songs for scoring: ROOT/<set>/<track>/mix.ogg -> OUT/<set>/.

python tests/benchmarks/accuracy.py ROOT OUT [--model M] [--weights-dir DIR] [--true-stems]
python ROOT/score.py OUT
"""

import argparse
import sys
from pathlib import Path

from allin1_mlx.batch import write_results
from allin1_mlx.pipeline import Analyzer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--weights-dir", type=Path)
    parser.add_argument("--true-stems", action="store_true", help="bass.ogg ... beside each mix")
    options = parser.parse_args()
    analyzer = Analyzer(options.model, weights_dir=options.weights_dir)
    for mix in sorted(options.root.glob("*/*/mix.ogg")):
        if options.true_stems:
            if not (mix.parent / "bass.ogg").exists():
                continue
            analyzer.stems_dir = mix.parent
        track, collection = mix.parent, mix.parent.parent
        analysis = analyzer(mix)
        write_results(analysis, track.name, options.out / collection.name)
        print(f"{collection.name}/{track.name}: {analysis.bpm} BPM", file=sys.stderr)


if __name__ == "__main__":
    main()
