"""flash-radiomics with the card's settings: one process, one thread.

`flash_cases.py SCRATCH IMAGE MASK [IMAGE MASK ...]`
"""

import sys
from pathlib import Path

from flash_radiomics import RadiomicsFeatureExtractor

SETTING = {"label": 1, "binWidth": 25, "additionalInfo": False, "interpolator": "sitkBSpline",
           "resampledPixelSpacing": [1, 1, 1]}
extractor = RadiomicsFeatureExtractor(
    {"setting": SETTING, "imageType": {"Original": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}, "Wavelet": {}},
     "scalarFeatureClass": {}, "spatialFeatureClass": None}, backend="cpu", num_threads=1)
for image, mask in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    out = Path(sys.argv[1]) / "flash.h5"
    found = extractor.execute(image, mask, label=1, output_hdf5_path=str(out))
    out.unlink()
    assert len(found) > 1316
