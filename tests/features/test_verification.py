"""A run measures some of its smallest regions again with the reference engine, and a deviation ends it loudly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.features import engines, extraction, reference, verification
from radnb.features.deviation import deviations, natural_scale
from radnb.features.engines import ENGINES, Engine
from radnb.features.extraction import extract
from radnb.features.settings import checked, settings
from radnb.features.values import Values
from radnb.features.verification import Candidate

pytest.importorskip("radiomics")


@pytest.fixture
def fast(monkeypatch):
    """Register an engine that gives PyRadiomics' values times `factor`, and count what the reference is asked for."""
    asked: list[str] = []

    def register(factor: float = 1.0, **more) -> list[str]:
        def prepare(image, settings):
            compute = reference.prepare(image, settings)
            return lambda pair: Values({name: value * factor for name, value in compute(pair).items()})

        def counted(image, settings):
            asked.append("image")
            return reference.prepare(image, settings)

        monkeypatch.setitem(ENGINES, "radnb", Engine(lambda: f"made up, {factor}", prepare, **more))
        monkeypatch.setitem(ENGINES, "pyradiomics", Engine(reference.version, counted))
        return asked

    return register


def test_all_regions_agree_and_the_reference_is_asked_once(cases, quick, tmp_path, fast) -> None:
    asked = fast(1 + 1e-12)
    found = extract(cases, settings=quick, store=tmp_path, workers=0, verify="all").verification
    assert (found.regions, found.values, len(asked)) == (4, 12, 3)
    assert 1e-13 < found.largest < 1e-11 and found.feature in quick.columns
    assert found.sentence.startswith("Verified with the reference engine on 4 regions (12 values): largest relative")
    again = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert again.verification.regions == 4 and len(asked) == 3  # from the store, for nothing


def test_a_deviation_ends_the_run_and_names_case_feature_and_both_values(cases, quick, tmp_path, fast) -> None:
    fast(1 + 1e-5)
    with pytest.raises(RadnbError, match=r"00\d, tumour, arterial, baseline, R\d, original_\w+ is [\d.]+, and [\d.]+ "
                                         r"by pyradiomics .*relative deviation 1e-05.*12 of 12") as caught:
        extract(cases, settings=quick, store=tmp_path, workers=0, verify="all")
    assert caught.value.code == "E_VERIFY"
    with pytest.raises(RadnbError):  # nor does a second run use what the first one left in the store
        extract(cases, settings=quick, store=tmp_path, workers=0)


def test_none_compares_nothing_and_a_short_run_is_not_doubled(cases, quick, tmp_path, fast) -> None:
    asked = fast(2.0)
    assert extract(cases, settings=quick, store=tmp_path, workers=0, verify="none").verification.sentence == ""
    found = extract(cases, settings=quick, store=tmp_path / "2", workers=0).verification
    assert not asked and found.sentence == "" and "too short" in found.record["reason"]


def test_an_unknown_way_to_verify_is_refused(cases, quick, tmp_path) -> None:
    with pytest.raises(RadnbError, match="Did you mean 'some'"):
        extract(cases, settings=quick, store=tmp_path, verify="somme")


def test_the_choice_is_seeded_falls_among_the_smallest_and_fits_into_a_twentieth() -> None:
    candidates, card = [Candidate(f"{n:03d}", 1000.0 * n, 1e5) for n in range(1, 201)], settings("demo")
    chosen = verification.choose(candidates, card, seconds=100, bytes_per_voxel=160)
    assert 4 < sum(verification.reference_seconds(one, card) for one in chosen) <= 5
    assert all(one.voxels <= 50_000 for one in chosen)
    assert chosen == verification.choose(candidates[::-1], card, seconds=100, bytes_per_voxel=160)
    assert sum(verification.reference_seconds(one, card) for one in verification.choose(
        candidates, card, seconds=1e5, bytes_per_voxel=160)) <= verification.MOST_SECONDS
    assert not verification.choose(candidates, card, seconds=9, bytes_per_voxel=160)
    assert not verification.choose(candidates, card, seconds=100, bytes_per_voxel=10**6)


@pytest.mark.parametrize(("name", "voxels", "measured"), [
    ("a ball", 9.7e3, 0.33), ("STS_019", 16e3, 1.24), ("STS_015", 89e3, 3.17),
    ("STS_050", 168e3, 5.08), ("STS_022", 819e3, 27.5)])
def test_the_reference_s_time_is_estimated_near_what_was_measured(name, voxels, measured) -> None:
    """Measured: CPU seconds of PyRadiomics for 14 images at 1 mm."""
    types = {"Original": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}, "Wavelet": {}}
    card = checked({"imageType": types}, name="x")
    assert 0.6 < verification.reference_seconds(Candidate(name, voxels, 2 * voxels), card) / measured < 1.8


def test_a_long_run_verifies_itself_unasked(cases, quick, tmp_path, fast, monkeypatch) -> None:
    asked = fast()
    monkeypatch.setattr(verification, "SHARE", 100.0)
    monkeypatch.setattr(verification, "SHORT_SECONDS", 0.0)
    found = extract(cases, settings=quick, store=tmp_path, workers=0)
    assert found.verification.regions >= 1 and asked and found.verification.largest == 0


def test_a_case_that_the_reference_refuses_is_told(cases, quick, tmp_path, fast, monkeypatch) -> None:
    fast()

    def broken(image, settings):
        raise RadnbError("No such luck.", code="E_PYRADIOMICS")

    monkeypatch.setitem(ENGINES, "pyradiomics", Engine(reference.version, broken))
    said = extract(cases, settings=quick, store=tmp_path, workers=0, verify="all").verification.sentence
    assert said == "4 could not be measured by the reference engine (E_PYRADIOMICS: No such luck.)"


def test_small_values_about_zero_are_measured_by_the_scale_of_their_image() -> None:
    theirs = pd.DataFrame({"wavelet-LLH_firstorder_Mean": [1e-9], "wavelet-LLH_firstorder_Maximum": [200.0],
                           "wavelet-LLH_glcm_ClusterShade": [1e-12], "wavelet-LLH_glcm_ClusterProminence": [16.0],
                           "original_glcm_Correlation": [1e-8], "original_shape_MeshVolume": [50.0],
                           "original_glcm_MCC": [np.nan], "original_firstorder_Energy": [np.nan]})
    ours = theirs.assign(**{"wavelet-LLH_firstorder_Mean": [2e-9], "wavelet-LLH_glcm_ClusterShade": [9e-12],
                            "original_glcm_Correlation": [2e-8], "original_shape_MeshVolume": [50.5],
                            "original_firstorder_Energy": [1.0]})
    assert natural_scale(theirs).iloc[0].tolist() == [200, 200, 8, 0, 1, 0, 1, 0]
    assert deviations(ours, theirs).iloc[0].tolist() == pytest.approx(
        [5e-12, 0, 1e-12, 0, 1e-8, 0.01, 0, np.inf])


def test_a_small_uptake_is_not_measured_against_the_shift_of_its_energy() -> None:
    """RootMeanSquared holds voxelArrayShift: beside 1000 any error of an uptake of 0.01 would pass."""
    theirs = pd.DataFrame({"original_firstorder_Mean": [0.005], "original_firstorder_Maximum": [0.01],
                           "original_firstorder_RootMeanSquared": [1000.005]})
    assert deviations(theirs.add([1e-5, 0, 0]), theirs).iloc[0].tolist() == pytest.approx([1e-3, 0, 0])
    alone = theirs.drop(columns="original_firstorder_Maximum")
    assert natural_scale(alone).iloc[0].tolist() == [1000.005, 0]


def test_the_thickness_of_a_plane_is_zero_or_the_root_of_rounding() -> None:
    """Which of both it is hangs on the processor, and another one may have measured what is compared."""
    theirs = pd.DataFrame({"original_shape_MajorAxisLength": [40.0], "original_shape_LeastAxisLength": [0.0],
                           "original_shape_Flatness": [0.0], "original_shape2D_Elongation": [0.5]})
    apart = deviations(theirs.add([0, 4e-7, 1e-8, 0.01]), theirs).iloc[0].tolist()
    assert apart == pytest.approx([0, 1e-8, 1e-8, 1e-2])


def test_the_fast_engine_is_the_usual_one_where_it_works_and_the_reason_is_told_where_not(monkeypatch, fast) -> None:
    fast()
    assert engines.choose().name == "radnb" and engines.choose("pyradiomics").name == "pyradiomics"

    def missing() -> str:
        raise RadnbError("The kernels are missing. Run the set-up.", code="E_NO_KERNELS")

    monkeypatch.setitem(ENGINES, "radnb", Engine(missing, reference.prepare))
    chosen = engines.choose()
    assert chosen.name == "pyradiomics" and chosen.reason.endswith("The kernels are missing. Run the set-up.")
    with pytest.raises(RadnbError, match="kernels are missing"):
        engines.choose("radnb")


@pytest.mark.parametrize("card", [
    {"setting": {"definitions": "ibsi"}}, {"featureClass": {"firstorder": ["Mean", "25Percentile"]}},
    {"featureClass": {"glcm": None, "ibsi-ivh": None}}])
def test_pyradiomics_is_not_asked_for_what_it_does_not_know(card) -> None:
    asked = checked(card, name="x")
    with pytest.raises(RadnbError, match="Use engine radnb"):
        engines.choose("pyradiomics", asked)
    part = reference.known_part(asked)
    assert part is None or engines.choose("pyradiomics", part).name == "pyradiomics"


def test_what_an_engine_hands_over_is_recorded(cases, quick, tmp_path, fast) -> None:
    fast(handed_over=lambda settings: ["LBP3D"])
    record = extract(cases, settings=quick, store=tmp_path, workers=0).record
    assert (record["engine"], record["handed_over"], record["verification"]["mode"]) == ("radnb", ["LBP3D"], "some")
    assert extraction.ENGINES is ENGINES
