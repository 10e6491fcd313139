"""pictologics with the settings nearest to the card's: 14 images at 1 mm, bins of 25, one process, one thread.

`pictologics_cases.py IMAGE MASK [IMAGE MASK ...]`
"""

import itertools
import sys

import pictologics

pictologics.set_num_threads(1)
FAMILIES = {"families": ["intensity", "morphology", "texture", "histogram"], "include_spatial_intensity": False,
            "include_local_intensity": False}


def configurations():
    """Return the name and the steps of each image."""
    log = {f"log {sigma}": ({"type": "log", "sigma_mm": float(sigma)}, -2000) for sigma in range(1, 6)}
    bands = {f"wavelet {''.join(band)}": ({"type": "wavelet", "wavelet": "coif1", "level": 1, "boundary": "mirror",
                                           "decomposition": "".join(band)}, -4000)
             for band in itertools.product("LH", repeat=3)}
    for name, (used, lowest) in {"original": (None, -1000), **log, **bands}.items():
        resampled = {"step": "resample", "params": {"new_spacing": (1, 1, 1), "interpolation": "cubic"}}
        binned = {"step": "discretise", "params": {"method": "FBS", "bin_width": 25, "min_val": lowest}}
        yield name, [resampled, *([{"step": "filter", "params": used}] if used else []), binned,
                     {"step": "extract_features", "params": FAMILIES}]


pipeline = pictologics.RadiomicsPipeline(load_standard=False)
names = []
for name, steps in configurations():
    pipeline.add_config(name, steps)
    names.append(name)
for image, mask in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    found = pipeline.run(image=image, mask=mask, subject_id=image, config_names=names)
    assert len(found) == len(names)
