"""Frozen models: what was fitted scores alike after freezing, and nothing but what was frozen is ever read."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.learning import applied, estimators, frozen, shelf
from radnb.learning.arrays import make_problem, used_blocks
from radnb.learning.batches import batches
from radnb.learning.fitting import fit as fit_model
from radnb.learning.fitting import view
from radnb.learning.frozen import About, Extraction, Frozen
from radnb.learning.impute import IMPUTERS
from radnb.learning.models import CLASSIFIERS, SURVIVORS
from radnb.learning.pipeline import Pipeline, formula, pipeline
from radnb.learning.problem import Sample
from radnb.learning.ready import Ready, make_ready, raw_scale
from radnb.work import files
from tests.learning import small

LEARNERS = [("classes", 2, name) for name in CLASSIFIERS] + [("classes", 3, name) for name in CLASSIFIERS] + [
    ("survival", 0, name) for name in SURVIVORS]
STORED = Path(__file__).parent / "frozen_by_3_11"
Fit = tuple[Any, Ready, Pipeline]


def _fitted(make_cohort: Callable[..., Any], make_plan: Callable[..., Any], kind: str, classes: int, name: str, *,
            inner: bool = True, **changes: Any) -> Fit:
    """Fit a model set on 40 patients; without inner folds it has neither thresholds nor recalibration."""
    cohort = make_cohort(classes=classes)
    usual = {"model": small.model(name), "sets": {"combined": ["clinical", "radiomics"]},
             "prepare": {"impute": "median_indicator"}}
    plan = make_plan(kind, comparator=None, **{**usual, **changes})
    problem = make_problem(cohort, plan, used_blocks(cohort, plan))
    sample, layout = Sample(problem, np.arange(40)), problem.sets["combined"]
    if inner:
        ready = make_ready(sample, layout)
    else:
        model = fit_model(view(sample), layout)
        ready = Ready(model, raw_scale(model, problem), np.full(problem.targets, np.nan))
    names = batches(cohort, "centre")[1] if problem.batches is not None else ()
    return cohort, ready, pipeline(problem, ready, problem.sets["combined"], names)


def _about(cohort: Any, ready: Ready, made: Pipeline) -> About:
    spans = frozen.ranges(cohort.table.iloc[:40], cohort.blocks, made.model.names)
    targets = (["risk"] if cohort.outcome.kind == "survival" else
               list(cohort.outcome.classes[-1:] if cohort.outcome.binary else cohort.outcome.classes))
    outcome = {"kind": cohort.outcome.kind, "name": cohort.outcome.name, "classes": list(cohort.outcome.classes)}
    return About(model="combined", blocks=["clinical", "radiomics"], targets=targets, scale=ready.scale, ranges=spans,
                 outcome=outcome, study={"id": "tiny"}, extraction=Extraction(phases={}, source="none"), clinical={},
                 seen={}, patients=40, events=20, performance=[], probes=frozen.probe(made, spans), provenance={})


def _write(fit: Fit, folder: Path) -> Frozen:
    return frozen.write(folder, _about(*fit), fit[2], "# A page\n")


@pytest.fixture
def fit(make_cohort: Callable[..., Any], make_plan: Callable[..., Any]) -> Callable[..., Fit]:
    return lambda *which, **changes: _fitted(make_cohort, make_plan, *which, **changes)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Give a copy of a model that is a formula."""
    return Path(shutil.copytree(STORED, tmp_path / "model"))


@pytest.fixture(scope="module")
def _forest(tmp_path_factory: pytest.TempPathFactory, make_cohort: Callable[..., Any],
            make_plan: Callable[..., Any]) -> Path:
    folder = tmp_path_factory.mktemp("forest") / "model"
    _write(_fitted(make_cohort, make_plan, "classes", 2, "random_forest"), folder)
    return folder


@pytest.fixture
def machine(_forest: Path, tmp_path: Path) -> Path:
    """Give a copy of a model with estimators."""
    return Path(shutil.copytree(_forest, tmp_path / "model"))


def _seal(folder: Path) -> None:
    """Write the hashes anew, as somebody would who changes a model on purpose."""
    names = sorted(path.name for path in folder.iterdir() if path.name != frozen.SUMS)
    sums = "".join(f"{files.sha256_file(folder / name)}  {name}\n" for name in names)
    (folder / frozen.SUMS).write_text(sums, encoding="utf-8")


def _change(folder: Path, change: Callable[[Any], None]) -> None:
    content = json.loads((folder / frozen.MODEL).read_text(encoding="utf-8"))
    change(content)
    (folder / frozen.MODEL).write_text(json.dumps(content), encoding="utf-8")
    _seal(folder)


@pytest.mark.usefixtures("quick_fits")
@pytest.mark.parametrize(("kind", "classes", "name"), LEARNERS)
def test_every_learner_scores_alike_after_freezing(fit: Callable[..., Fit], tmp_path: Path, kind: str, classes: int,
                                                   name: str) -> None:
    cohort, ready, made = fit(kind, classes, name, inner=False)
    folder = Path(os.environ.get("RADNB_FREEZE_TO", tmp_path)) / f"{name}-{classes}"
    read = _write((cohort, ready, made), folder)
    np.testing.assert_allclose(read.scores(cohort.table), ready.scores(np.arange(len(cohort.table))), rtol=0,
                               atol=1e-12)
    assert not {"pkl", "joblib"} & {path.suffix[1:] for path in folder.iterdir()}


@pytest.mark.parametrize(("kind", "classes", "name"), [("classes", 2, "svm"), ("classes", 3, "svm"),
                                                       ("survival", 0, "cox")])
def test_recalibration_and_thresholds_are_frozen_too(fit: Callable[..., Fit], tmp_path: Path, kind: str, classes: int,
                                                     name: str) -> None:
    cohort, ready, made = fit(kind, classes, name)
    read = _write((cohort, ready, made), tmp_path / "model")
    np.testing.assert_allclose(read.scores(cohort.table), ready.scores(np.arange(60)), rtol=0, atol=1e-12)
    assert read.thresholds == tuple(ready.thresholds.tolist()) and read.scale == ready.scale
    assert (ready.recalibration is None) == (kind == "survival")


@pytest.mark.parametrize("layout", [{"late": {"scores": ["radiomics"], "beside": ["clinical"]}},
                                    {"late": {"scores": ["radiomics", "clinical"], "by": "mean"}}])
@pytest.mark.parametrize(("kind", "classes", "name"), [("classes", 2, "svm"), ("classes", 3, "logistic"),
                                                       ("survival", 0, "cox")])
def test_late_fusions_score_alike_after_freezing(fit: Callable[..., Fit], tmp_path: Path, layout: Any, kind: str,
                                                 classes: int, name: str) -> None:
    cohort, ready, made = fit(kind, classes, name, sets={"combined": layout})
    read = _write((cohort, ready, made), tmp_path / "model")
    np.testing.assert_allclose(read.scores(cohort.table), ready.scores(np.arange(60)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("impute", [name for name in IMPUTERS if name != "refuse"])
def test_every_imputation_is_frozen(fit: Callable[..., Fit], tmp_path: Path, impute: str) -> None:
    cohort, ready, made = fit("classes", 2, "ridge_logistic", inner=False, prepare={"impute": impute})
    read = _write((cohort, ready, made), tmp_path / "model")
    np.testing.assert_allclose(read.scores(cohort.table), ready.scores(np.arange(60)), rtol=0, atol=1e-12)
    assert cohort.table[list(read.names)].isna().any(axis=None)


@pytest.mark.parametrize("harmonise", [{"combat": {}}, {"zscore": {}}])
def test_harmonised_models_know_their_centres(fit: Callable[..., Fit], tmp_path: Path, harmonise: Any) -> None:
    cohort, ready, made = fit("classes", 2, "ridge_logistic", inner=False, harmonise=harmonise)
    read = _write((cohort, ready, made), tmp_path / "model")
    np.testing.assert_allclose(read.scores(cohort.table), ready.scores(np.arange(60)), rtol=0, atol=1e-12)
    mixed = cohort.table.assign(centre=np.roll(cohort.table["centre"], 1))
    assert np.abs(read.scores(mixed) - read.scores(cohort.table)).max() > 1e-3
    unknown = read.scores(cohort.table.assign(centre="west"))
    np.testing.assert_allclose(unknown, read.scores(cohort.table.drop(columns="centre")), atol=1e-12)


def test_a_harmonised_model_that_refuses_new_centres_says_so(fit: Callable[..., Fit], tmp_path: Path) -> None:
    read = _write(fit("classes", 2, "ridge_logistic", inner=False, harmonise={"combat": {"unseen": "refuse"}}),
                  tmp_path / "model")
    table = frozen.probe_table(read.about.probes.values, read.names)
    with pytest.raises(RadnbError, match="was not trained on centre west"):
        read.scores(table.assign(centre="west"))


def test_a_model_harmonised_within_covariates_is_not_frozen(fit: Callable[..., Fit]) -> None:
    with pytest.raises(RadnbError, match=r"Leave harmonise\.covariates out"):
        fit("classes", 2, "ridge_logistic", inner=False, harmonise={"combat": {"covariates": ["age"]}})


def test_models_that_keep_values_of_patients_are_known(fit: Callable[..., Fit]) -> None:
    kept = [shelf.holds_patients(fit("classes", 2, name, inner=False)[2]) for name in ("svm", "ridge_logistic")]
    assert kept == [True, False]


def test_equal_models_give_equal_bytes(fit: Callable[..., Fit], tmp_path: Path) -> None:
    for name in ("a", "b"):
        _write(fit("classes", 2, "random_forest"), tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def _elsewhere() -> list[Path]:
    given = os.environ.get("RADNB_FROZEN")
    return [STORED, *(sorted(Path(given).iterdir()) if given else [])]


@pytest.mark.parametrize("folder", _elsewhere(), ids=lambda path: path.name)
def test_models_frozen_by_another_python_give_their_scores_here(folder: Path) -> None:
    """Each folder holds the scores of made-up patients, which `load` computes again to within 1e-9."""
    made = frozen.load(folder)
    table = frozen.probe_table(made.about.probes.values, made.names)
    np.testing.assert_allclose(made.scores(table), made.about.probes.scores, rtol=1e-9, atol=1e-9)


def test_new_patients_need_only_the_columns_in_use(fit: Callable[..., Fit]) -> None:
    cohort, ready, made = fit("classes", 2, "lasso_logistic")
    assert len(made.model.names) < sum(map(len, cohort.blocks.values()))
    lean = cohort.table[list(made.model.names)]
    np.testing.assert_allclose(made.scores(lean), ready.scores(np.arange(60)), atol=1e-12)
    assert frozen.absent(made.model.names, lean.rename(columns={"age": "agee"}), "here") == [
        "here: the patients have no 'age', which the model needs. Did you mean 'agee'?"]


@pytest.mark.parametrize(("kind", "classes", "name"), [("classes", 2, "ridge_logistic"), ("classes", 3, "logistic"),
                                                       ("classes", 3, "lasso_logistic"), ("survival", 0, "cox")])
def test_the_formula_gives_the_scores(fit: Callable[..., Fit], kind: str, classes: int, name: str) -> None:
    cohort, _, made = fit(kind, classes, name)
    found = formula(made.model, cohort.table)
    assert found is not None
    eta = found.eta(cohort.table)
    by_hand = {"none": lambda: eta, "logistic": lambda: 1 / (1 + np.exp(-eta)),
               "softmax": lambda: np.exp(eta) / np.exp(eta).sum(1, keepdims=True),
               "normalised": lambda: (1 / (1 + np.exp(-eta))) / (1 / (1 + np.exp(-eta))).sum(1, keepdims=True)}
    np.testing.assert_allclose(by_hand[found.link](), made.model.scores(cohort.table), atol=1e-9)


def test_a_forest_has_no_formula(fit: Callable[..., Fit]) -> None:
    cohort, _, made = fit("classes", 2, "random_forest")
    assert formula(made.model, cohort.table) is None


@pytest.mark.parametrize("name", [frozen.MODEL, frozen.PAGE, frozen.ESTIMATORS])
def test_one_changed_byte_is_refused(machine: Path, name: str) -> None:
    content = bytearray((machine / name).read_bytes())
    content[len(content) // 2] ^= 1
    (machine / name).write_bytes(bytes(content))
    with pytest.raises(RadnbError, match=f"{name} is not as it was frozen"):
        frozen.load(machine)


@pytest.mark.parametrize(("act", "mend"), [
    (lambda folder: (folder / frozen.PAGE).unlink(), "MODEL.md is missing"),
    (lambda folder: (folder / frozen.SUMS).unlink(), "no whole model folder"),
    (lambda folder: (folder / "notes.txt").write_text("x"), "notes.txt does not belong to the model"),
    (lambda folder: (folder / "model.pkl").write_bytes(pickle.dumps(1)), "never read, since they can run code"),
    (lambda folder: (folder / "sub").mkdir(), "sub does not belong to the model")])
def test_a_missing_or_added_file_is_refused(model: Path, act: Callable[[Path], object], mend: str) -> None:
    act(model)
    with pytest.raises(RadnbError, match=mend):
        frozen.load(model)


def test_an_added_file_with_its_own_hash_is_refused(model: Path) -> None:
    (model / "model.joblib").write_bytes(pickle.dumps(1))
    _seal(model)
    with pytest.raises(RadnbError, match=r"model\.joblib is no file of a frozen model.*never read"):
        frozen.load(model)


def test_what_file_managers_leave_behind_does_no_harm(model: Path) -> None:
    (model / ".DS_Store").write_bytes(b"x")
    assert frozen.load(model).name == "combined"


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(RadnbError, match="Pickled and joblib files are never read"):
        frozen.load(tmp_path / "model.pkl")


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("trapped"),)


def test_a_pickle_in_place_of_the_estimators_is_never_run(machine: Path, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (machine / frozen.ESTIMATORS).write_bytes(pickle.dumps(_Trap()))
    _seal(machine)
    with pytest.raises(RadnbError, match="this is no skops archive"):
        frozen.load(machine)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("change", [
    {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"},
    {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode"},
    {"__class__": "RandomForestClassifier", "__module__": "sklearn.ensemble._forest", "__loader__": "MethodNode"},
    {"__class__": "FunctionTransformer", "__module__": "sklearn.preprocessing._function_transformer",
     "__loader__": "ObjectNode"}])
def test_an_unknown_type_among_the_estimators_is_refused_by_name(machine: Path, change: dict[str, str]) -> None:
    content = (machine / frozen.ESTIMATORS).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts["schema.json"])
    schema["content"][0] |= change
    with zipfile.ZipFile(machine / frozen.ESTIMATORS, "w") as archive:
        for name, body in {**parts, "schema.json": json.dumps(schema).encode()}.items():
            archive.writestr(name, body)
    _seal(machine)
    with pytest.raises(RadnbError, match=f"{change['__module__']}.{change['__class__']} may not be part"):
        frozen.load(machine)


def test_a_tree_that_leads_nowhere_is_refused(fit: Callable[..., Fit]) -> None:
    _, ready, _ = fit("classes", 2, "random_forest")
    learner: Any = ready.fitted.learner  # type: ignore[union-attr]
    tree = learner.model_.estimators_[0].tree_
    tree.children_left[0] = 10_000
    with pytest.raises(RadnbError, match="leads nowhere"):
        estimators.load(estimators.dump([learner.model_]), "here")


@pytest.mark.parametrize("name", ["os.system", "Popen", "RadnbError", "Path", "", 3, None])
def test_a_class_of_another_name_is_refused(model: Path, name: Any) -> None:
    _change(model, lambda content: content["pipeline"]["fields"]["model"].update({"class": name}))
    with pytest.raises(RadnbError, match="is unknown to this radnb"):
        frozen.load(model)


def _coef(content: Any) -> Any:
    return content["pipeline"]["fields"]["model"]["fields"]["learner"]["fields"]["fit_"]["fields"]["coef"]


@pytest.mark.parametrize(("change", "mend"), [
    (lambda c: _coef(c)["values"].__setitem__(0, 1e999), "no finite number"),
    (lambda c: _coef(c)["values"].__setitem__(0, "1"), "something else than float64"),
    (lambda c: _coef(c)["values"].append(0.0), "do not fit the shape"),
    (lambda c: _coef(c).update({"shape": [len(_coef(c)["values"]), 1]}), "do not fit together"),
    (lambda c: _coef(c).update({"shape": [-1, 0]}), "do not fit the shape"),
    (lambda c: _coef(c)["values"].__setitem__(0, 0.123), "does not give the scores"),
    (lambda c: c["about"].update({"targets": ["G2", "G3"]}), "do not fit together"),
    (lambda c: c["about"].update({"ranges": []}), "do not fit together"),
    (lambda c: c["about"].update({"format": 2}), r"format 2.*Update radnb"),
    (lambda c: c["about"].update({"code": "x"}), "code: unknown key"),
    (lambda c: c["pipeline"]["fields"].update({"__class__": None}), "has other fields"),
    (lambda c: c.update({"pipeline": None}), "do not fit together"),
    (lambda c: c.update({"pipeline": {"estimator": 0}}), "there is no estimator"),
    (lambda c: _coef(c).update({"array": ["float64"]}), "this is no array"),
    (lambda c: c["pipeline"]["fields"].update({"thresholds": "x"}), "do not fit together"),
    (lambda c: c.update({"more": 1}), "this is no frozen model")])
def test_a_model_changed_on_purpose_is_refused_where_it_does_not_fit(model: Path, change: Callable[[Any], None],
                                                                     mend: str) -> None:
    _change(model, change)
    with pytest.raises(RadnbError, match=mend):
        frozen.load(model)


@pytest.mark.parametrize("text", ["{", "[]", '{"about": NaN, "pipeline": 1}', '{"about": 1, "about": 2}', "[" * 9999])
def test_a_file_that_is_no_model_is_refused(model: Path, text: str) -> None:
    (model / frozen.MODEL).write_text(text, encoding="utf-8")
    _seal(model)
    with pytest.raises(RadnbError, match=r"cannot be read|no frozen model"):
        frozen.load(model)


def test_a_folder_with_other_files_is_never_written_to(fit: Callable[..., Fit], tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(RadnbError, match="Choose an empty folder"):
        _write(fit("classes", 2, "ridge_logistic"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_an_estimator_that_is_not_on_the_list_is_refused_by_name(fit: Callable[..., Fit], tmp_path: Path) -> None:
    cohort, ready, made = fit("classes", 2, "svm")
    learner: Any = made.model.learner

    class Stranger:
        def decision_function(self, x: np.ndarray) -> np.ndarray:
            return x[:, 0]

    learner.model_ = Stranger()
    with pytest.raises(RadnbError, match=r"model\.learner\.model_: a .*Stranger cannot be frozen"):
        _write((cohort, ready, made), tmp_path / "model")


def test_values_outside_fields_and_numbers_without_end_are_not_frozen() -> None:
    stray = frozen.Pipeline.__new__(Pipeline)
    stray.__dict__["secret"] = 1
    with pytest.raises(RadnbError, match="keeps secret outside its fields"):
        shelf.pack(stray, [])
    with pytest.raises(RadnbError, match="no finite number"):
        shelf.pack(np.array([1.0, np.nan]), [])


def test_patients_outside_the_training_range_are_told_worst_first(fit: Callable[..., Fit], tmp_path: Path) -> None:
    cohort, ready, made = fit("classes", 2, "ridge_logistic")
    read = _write((cohort, ready, made), tmp_path / "model")
    table = cohort.table.iloc[:3].copy()
    first, second = read.names[0], read.names[2]
    table.loc[0, first] = read.ranges[first].high + 100 * read.ranges[first].spread
    table.loc[0, second] = read.ranges[second].low - 2 * read.ranges[second].spread
    table.loc[1, first] = np.nan
    far, gaps = applied.outside(read, table), applied.missing(read, table)
    assert applied.worst(far.iloc[0]) == [first, second] and applied.worst(far.iloc[2]) == []
    assert far.loc[0, first] == pytest.approx(100) and gaps.sum(axis=1).tolist()[1] >= 1


def test_the_class_is_that_of_the_frozen_threshold(model: Path) -> None:
    read = frozen.load(model)
    threshold = read.thresholds[0]
    assert threshold is not None
    scores = np.array([[threshold], [np.nextafter(threshold, 0)], [np.nan]])
    assert applied.classes_of(read, scores, read.outcome.classes) == ["G2", "G1", ""]


def test_ranges_hold_what_numpy_says(make_cohort: Callable[..., Any]) -> None:
    cohort = make_cohort()
    (found,) = frozen.ranges(cohort.table, cohort.blocks, ["f3"])
    x = cohort.table["f3"].dropna()
    assert (found.low, found.high) == (x.min(), x.max()) and found.block == "radiomics"
    assert found.p99 == pytest.approx(pd.Series(x).quantile(0.99)) and found.missing == cohort.table["f3"].isna().mean()
