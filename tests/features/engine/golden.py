"""The engine's own values on two made-up regions, kept in golden.csv: what was measured once is measured again.

After a change that is meant to alter values, raise VALUES in radnb/features/engine/engine.py, then write them anew:
`python -m tests.features.engine.golden` from the root of the repository.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radnb.errors import RadnbError
from radnb.features.deviation import deviations
from radnb.features.engine import engine
from radnb.features.settings import checked
from tests.features.engine import scenes

KEPT = Path(__file__).with_name("golden.csv")
WITHIN = 1e-12  # of the value or of its natural scale: another processor may round a sum otherwise
_FILTERS = {"LoG": {"sigma": [1.0, 2.0], "binWidth": 5}, "SSF": {"radius_mm": [2], "binWidth": 5},
            "Wavelet": {"level": 2, "wavelet": "db2"}, "Square": {}, "SquareRoot": {}, "Logarithm": {},
            "Exponential": {}, "Gradient": {}}
_FEW = {"firstorder": ["Mean", "Skewness", "Entropy"], "glcm": ["Contrast"], "glszm": ["ZoneEntropy"]}
# The smallest ellipsoid is found by steps that stop within one part in a thousand: rounding may add a step.
UNSETTLED = "MVEE"
REGIONS = (("holes", "int16", "oblique"), ("pieces", "float32", "anisotropic"))
CARDS = {
    "as it is": {"featureClass": {"shape": None, "firstorder": None, "glcm": None, "glrlm": None, "glszm": None,
                                  "gldm": None, "ngtdm": None}, "setting": {"binWidth": 10}},
    "resampled, weighted": {"featureClass": {"shape": None, "firstorder": None, "glcm": None, "glrlm": None},
                            "setting": {"binCount": 16, "resampledPixelSpacing": [1.3, 1.3, 1.3], "normalize": True,
                                        "normalizeScale": 100, "weightingNorm": "euclidean"}},
    "flat, farther": {"imageType": {"Original": {}, "LBP2D": {"binWidth": 1}},
                      "featureClass": {"glcm": None, "gldm": None, "ngtdm": None},
                      "setting": {"binWidth": 10, "force2D": True, "distances": [1, 2], "gldm_a": 1,
                                  "resegmentRange": [60, 150]}},
    "filtered": {"imageType": _FILTERS, "featureClass": _FEW, "setting": {"binWidth": 10}},
    "by IBSI": {"setting": {"definitions": "ibsi", "aggregation": ["2.5D-merged", "3D-averaged"], "binWidth": 10,
                            "resampledPixelSpacing": [1.3, 1.3, 1.3], "interpolator": "sitkLinear"}},
    "filtered by IBSI": {"imageType": {"LoG": {"sigma": [1.5]}, "Mean": {"support": [3]}, "Laws": {"laws": ["L5E5E5"]},
                                       "Wavelet": {"wavelet": "db2"}, "Simoncelli": {}},
                         "featureClass": {"ibsi-statistics": ["Mean", "Skewness", "Energy"]},
                         "setting": {"definitions": "ibsi"}}}


def measured() -> pd.DataFrame:
    """Return the values by card, region and column."""
    rows = []
    for name, card in CARDS.items():
        wanted = checked({"imageType": {"Original": {}}, **card}, name=name)
        for region, kind, grid in REGIONS:
            pair = scenes.pair_of(scenes.voxels(kind), scenes.inside(region), *scenes.GRIDS[grid])
            found = engine.prepare(pair.image, wanted)(pair)
            rows += [[name, region, column, value] for column, value in found.items() if UNSETTLED not in column]
    return pd.DataFrame(rows, columns=["card", "region", "column", "value"])


def kept() -> tuple[int, pd.DataFrame]:
    """Return the stored values, and the number in VALUES that they belong to."""
    with KEPT.open(encoding="utf-8") as stream:
        return int(stream.readline().split()[-1]), pd.read_csv(stream, float_precision="round_trip")


def changed(ours: pd.DataFrame, stored: pd.DataFrame) -> list[str]:
    """List the values that are not what was stored."""
    said = ["some columns are gone"] * (len(stored) > len(ours))
    places = dict(list(stored.groupby(["card", "region"])))
    for place, rows in ours.groupby(["card", "region"], sort=False):
        one, other = (table.set_index("column")["value"] for table in (rows, places[place]))
        apart = deviations(one.to_frame().T, other.reindex(one.index).to_frame().T).loc["value"]
        said += [f"{', '.join(place)}: {column} lies {apart[column]:.1g} from what was stored"
                 for column in apart.index[apart > WITHIN]]
    return said


def main() -> None:
    """Write the values down, unless they have changed and VALUES has not."""
    ours = measured()
    if KEPT.is_file() and kept()[0] == engine.VALUES and (said := changed(ours, kept()[1])):
        raise RadnbError("\n".join([*said[:20], "Raise VALUES in radnb/features/engine/engine.py first."]))
    KEPT.write_text(f"# VALUES = {engine.VALUES}\n{ours.to_csv(index=False, lineterminator=chr(10))}", encoding="utf-8")


if __name__ == "__main__":
    main()
