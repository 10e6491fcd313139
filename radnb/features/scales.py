"""The spatial-scale filter (image type SSF): a Laplacian of Gaussian named by the size of what it brings out.

Filtration-histogram texture analysis names its filters by the radius in mm of the structures that they bring out, 2 to
6 as a rule (Ganeshan et al., Radiology 2013;266:326-336; Miles et al., Cancer Imaging 2013;13:400-406).  Every engine
makes the image type SSF with its own LoG.
"""

from __future__ import annotations

import math


def sigma(radius_mm: float) -> float:
    """Return the sigma (mm) of the Laplacian of Gaussian that answers most to discs of a radius."""
    return radius_mm / math.sqrt(2)
