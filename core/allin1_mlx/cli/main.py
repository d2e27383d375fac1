"""The command `allin1-mlx`: reads options, calls the API, prints results.

Only this folder prints. Exit codes: 0 all songs finished, 1 some failed, 2 wrong usage or missing
weights, 130 interrupted. The modules that analyse are imported after the options are read, so that
`--help` is fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ..errors import AllInOneError, CheckpointError, UsageError, WeightsError
from .options import parse_options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["weights"]:
        from .weights import main as manage_weights

        return manage_weights(arguments[1:])
    if arguments[:1] == ["doctor"]:
        from .doctor import main as examine

        return examine(arguments[1:])
    options = parse_options(arguments)
    from .progress import complain
    from .run import hint_at_options, run

    try:
        return run(options)
    except (UsageError, WeightsError, CheckpointError) as e:
        complain(f"allin1-mlx: {e}{hint_at_options(e)}")
        return 2
    except AllInOneError as e:
        complain(f"allin1-mlx: {e}")
        return 1
    except BrokenPipeError:  # `allin1-mlx ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        complain("\nallin1-mlx: interrupted; what was finished is kept")
        return 130


if __name__ == "__main__":
    sys.exit(main())
