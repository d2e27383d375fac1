"""The public names of the package. `from allin1_mlx import ...` offers exactly these."""

from .analysis import Analysis as Analysis
from .audio import load_audio as load_audio
from .decoding.beats import decode_beats as decode_beats
from .decoding.grid import refine_beats as refine_beats
from .decoding.meters import find_beats as find_beats
from .decoding.onsets import measure_onsets as measure_onsets
from .decoding.section_peaks import pick_sections as pick_sections
from .decoding.section_peaks import snap_to_bars as snap_to_bars
from .demix.spectral import spectral_stems as spectral_stems
from .errors import AllInOneError as AllInOneError
from .errors import Cancelled as Cancelled
from .log_spectrogram import logarithm as logarithm
from .log_spectrogram import magnitudes as magnitudes
from .log_spectrogram import spectrogram as spectrogram
from .network.predict import activations as activations
from .network.predict import predict as predict
from .options import ComputeOptions as ComputeOptions
from .options import DecodingOptions as DecodingOptions
from .options import StemOptions as StemOptions
from .pipeline import Analyzer as Analyzer
from .pipeline import analyze as analyze
from .types import Activations as Activations
from .types import Detection as Detection
from .types import Segment as Segment
from .types import Tempo as Tempo
from .weights.access import Access as Access
