"""Estimators of other libraries in a skops archive: an allow-list of types, no pickle, the same bytes every time."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from radnb.errors import RadnbError

LARGEST_BYTES = 2_000_000_000  # of all that an archive holds once it is unpacked
NODES = frozenset({"BytearrayNode", "BytesNode", "CachedNode", "DefaultDictNode", "DictNode", "JsonNode", "ListNode",
                   "LossNode", "NdArrayNode", "ObjectNode", "RandomGeneratorNode", "RandomStateNode", "SetNode",
                   "SliceNode", "SparseMatrixNode", "TreeNode", "TupleNode", "TypeNode"})  # none of them calls anything
PLAIN = frozenset({"builtins.bytearray", "builtins.bytes", "builtins.dict", "builtins.list", "builtins.set",
                   "builtins.slice", "builtins.str", "builtins.tuple", "collections.OrderedDict",
                   "collections.defaultdict", "numpy.bool", "numpy.dtype", "numpy.float32", "numpy.float64",
                   "numpy.int32", "numpy.int64", "numpy.ndarray", "numpy.random._generator.Generator",
                   "numpy.random.mtrand.RandomState", "numpy.uint32", "numpy.uint64", "numpy.uint8",
                   "scipy.sparse._csr.csr_matrix", "scipy.sparse._csr.csr_array"})
ESTIMATORS = frozenset({
    "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor",
    "sklearn.calibration.CalibratedClassifierCV", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis", "sklearn.dummy.DummyClassifier",
    "sklearn.dummy.DummyRegressor", "sklearn.ensemble._bagging.BaggingClassifier",
    "sklearn.ensemble._forest.ExtraTreesClassifier", "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._gb.GradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._weight_boosting.AdaBoostClassifier", "sklearn.gaussian_process._gpc.GaussianProcessClassifier",
    "sklearn.linear_model._logistic.LogisticRegression", "sklearn.linear_model._logistic.LogisticRegressionCV",
    "sklearn.linear_model._ridge.RidgeClassifier", "sklearn.naive_bayes.GaussianNB",
    "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier", "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.SVC", "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.DecisionTreeRegressor", "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._classes.ExtraTreeRegressor", "sksurv.ensemble.boosting.GradientBoostingSurvivalAnalysis",
    "sksurv.ensemble.forest.ExtraSurvivalTrees", "sksurv.ensemble.forest.RandomSurvivalForest",
    "sksurv.tree.tree.ExtraSurvivalTree", "sksurv.tree.tree.SurvivalTree", "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor"})
INSIDE = frozenset({
    "sklearn._loss._loss.CyHalfBinomialLoss", "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss._loss.CyExponentialLoss", "sklearn._loss.link.HalfLogitLink", "sklearn._loss.link.Interval",
    "sklearn._loss.link.IdentityLink", "sklearn._loss.link.LogitLink", "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.ExponentialLoss", "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel", "sklearn.gaussian_process.kernels.Matern",
    "sklearn.gaussian_process.kernels.Product", "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.Sum", "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64", "sklearn.multiclass.OneVsOneClassifier",
    "sklearn.multiclass.OneVsRestClassifier", "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._ball_tree.BallTree", "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer", "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._label.LabelBinarizer", "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.tree._tree.Tree", "sksurv.ensemble.survival_loss.CoxPH", "sksurv.functions.StepFunction",
    "sksurv.linear_model.coxph.BreslowEstimator"})
WITH_ROWS = frozenset({
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.neighbors._classification.KNeighborsClassifier", "sklearn.svm._classes.SVC"})
ALLOWED = PLAIN | ESTIMATORS | INSIDE


def frozen_type(value: object) -> bool:
    """Say whether a value is an estimator that may be frozen."""
    return f"{type(value).__module__}.{type(value).__qualname__}" in ESTIMATORS


def keep_rows(estimators: list[Any]) -> bool:
    """Say whether an estimator, or one inside another, keeps training rows."""
    if not estimators:
        return False
    with zipfile.ZipFile(io.BytesIO(dump(estimators))) as archive:
        return any(name in WITH_ROWS for _, name in _nodes(json.loads(archive.read("schema.json"))))


def dump(estimators: list[Any]) -> bytes:
    """Return the archive of some estimators, its parts numbered in order, so that equal models give equal bytes."""
    import skops.io  # loads scikit-learn, which few commands need

    _refuse_others(content := skops.io.dumps(estimators), "this model")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema, parts = json.loads(archive.read("schema.json")), {n: archive.read(n) for n in archive.namelist()}
    numbers, names = dict[int, int](), dict[str, str]()
    _renumber(schema, numbers, names)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, new in {**names, "schema.json": "schema.json"}.items():
            body = json.dumps(schema, sort_keys=True).encode() if name == "schema.json" else parts[name]
            archive.writestr(zipfile.ZipInfo(new, (1980, 1, 1, 0, 0, 0)), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _renumber(node: Any, numbers: dict[int, int], names: dict[str, str]) -> None:
    """Number the nodes of a schema and their files as they appear, where skops has addresses in memory."""
    if isinstance(node, list):
        for one in node:
            _renumber(one, numbers, names)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("__id__"), int):
        node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
    if isinstance(node.get("file"), str) and "__loader__" in node:
        ending = node["file"].rpartition(".")[2]
        node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.{ending}")
    for one in list(node.values()):
        _renumber(one, numbers, names)


def load(content: bytes, where: str) -> list[Any]:
    """Return the estimators of an archive; a pickle, or a type that is not on the list, is refused unread."""
    _refuse_others(content, where)
    import skops.io  # loads scikit-learn, which few commands need

    try:
        untrusted = [name for name in skops.io.get_untrusted_types(data=content) if name in ALLOWED]
        found = skops.io.loads(content, trusted=untrusted)
    except ModuleNotFoundError as error:
        raise RadnbError(f"{where}: the model needs the library {error.name}, which is not installed here. Install it "
                         "(scikit-survival stands behind the extra `forests`).", code="E_MODEL") from None
    except Exception as error:  # whatever the libraries say of a damaged archive
        raise RadnbError(f"{where}: the estimators cannot be read ({type(error).__name__}). The file is damaged, or "
                         "was made by other versions of the libraries: freeze the run again.", code="E_MODEL") from None
    if not isinstance(found, list) or not all(map(frozen_type, found)):
        raise RadnbError(f"{where}: this is no list of estimators. Freeze the run again.", code="E_MODEL")
    for tree in _trees(found):
        _check_tree(tree, where)
    return found


def _refuse_others(content: bytes, where: str) -> None:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise RadnbError(f"{where}: this is no skops archive. Pickled and joblib files are never read, since they can "
                         "run code: freeze the run again.", code="E_MODEL")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > LARGEST_BYTES:
                raise RadnbError(f"{where}: the archive unpacks to more than {LARGEST_BYTES // 10**9} GB, so it is "
                                 "refused.", code="E_MODEL")
            nodes = list(_nodes(json.loads(archive.read("schema.json"))))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, OSError) as error:
        raise RadnbError(f"{where}: this is no whole skops archive. Freeze the run again.", code="E_MODEL") from error
    others = sorted({name for loader, name in nodes if name not in ALLOWED or loader not in NODES})
    if others:
        raise RadnbError(f"{where}: {', '.join(others)} may not be part of a frozen model, so it is refused. "
                         "Use a model folder that `radnb freeze` made, or choose another model.", code="E_MODEL")


def _nodes(schema: Any) -> Iterator[tuple[str, str]]:
    """Yield loader and type of every node, wherever it stands."""
    open_ = [schema]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            if {"__loader__", "__module__", "__class__"} & set(node):
                yield str(node.get("__loader__")), f"{node.get('__module__')}.{node.get('__class__')}"
            open_ += list(node.values())
        elif isinstance(node, list):
            open_ += node


def _trees(found: Any) -> Iterator[Any]:
    """Yield every tree of scikit-learn within some objects."""
    open_, seen = [found], set[int]()
    while open_:
        one = open_.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if type(one).__qualname__ == "Tree":
            yield one
        elif isinstance(one, list | tuple) or (isinstance(one, np.ndarray) and one.dtype == object):
            open_ += list(np.ravel(one)) if isinstance(one, np.ndarray) else list(one)
        elif isinstance(one, dict):
            open_ += list(one.values())
        elif hasattr(one, "__dict__") and type(one).__module__.startswith(("sklearn.", "sksurv.")):
            open_ += list(vars(one).values())


def _check_tree(tree: Any, where: str) -> None:
    """Refuse a tree whose branches lead outside it or round in a circle: compiled code would follow them."""
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    at, inner = np.arange(len(left)), left >= 0
    sound = ((left < len(left)) & (right < len(left)) & ((left > at) & (right > at) | ~inner)
             & (~inner | (feature >= 0) & (feature < tree.n_features)))
    if not sound.all():
        raise RadnbError(f"{where}: a tree of the model leads nowhere. The file was changed: freeze the run again.",
                         code="E_MODEL")
