"""Draw the figures of a study: one module each, with their captions in `captions` and what they share in `shared`."""

import logging
from pathlib import Path

# the look of all figures
STYLE = Path(__file__).parent / "shared" / "isojoule.mplstyle"

# where there is no home, Matplotlib makes itself a folder for its cache and warns that it did
logging.getLogger("matplotlib").setLevel(logging.ERROR)
