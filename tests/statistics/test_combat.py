"""ComBat against a slow reading of the paper; R's own numbers are in tests/reference."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from radnb.errors import RadnbError
from radnb.statistics import combat
from tests.reference.test_r import PLACE

KINDS = [{}, {"estimate": "nonparametric"}, {"mean_only": True}, {"reference": 1},
         {"estimate": "nonparametric", "reference": 2}]


def made(rows: int = 60, features: int = 12, *, batches: int = 3, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    batch = np.arange(rows) % batches
    age = rng.normal(60, 10, rows) + 3 * batch
    shift, spread = rng.normal(0, 2, (batches, features)), rng.uniform(0.5, 2, (batches, features))
    x = 10 + 0.05 * age[:, None] + shift[batch] + spread[batch] * rng.normal(size=(rows, features))
    return x, batch, age[:, None]


def by_the_paper(x: np.ndarray, batch: np.ndarray, covariates: np.ndarray | None, estimate: str = "parametric",
                 mean_only: bool = False, reference: int | None = None) -> np.ndarray:
    """Follow equations 2.1 to 3.3 one batch and feature at a time, to the fixed point."""
    c = np.empty((len(x), 0)) if covariates is None else covariates
    names = np.unique(batch)
    design = np.hstack([(batch[:, None] == names).astype(float), c])
    coef = np.linalg.lstsq(design, x, rcond=None)[0]
    b = len(names)
    share = np.array([(batch == k).mean() for k in names]) if reference is None else (names == reference).astype(float)
    level = share @ coef[:b] + c @ coef[b:]
    left = (x - design @ coef)[slice(None) if reference is None else batch == reference]
    spread = np.sqrt((left**2).mean(0))
    z = (x - level) / spread
    out = z.copy()
    for k in names[names != reference]:
        own = z[batch == k]
        n, g, d = len(own), own.mean(0), np.ones(x.shape[1]) if mean_only else own.var(0, ddof=1)
        if mean_only:
            g = (g.var(ddof=1) * g + g.mean()) / (g.var(ddof=1) + 1)
        elif estimate == "parametric":
            tau, m, v = g.var(ddof=1), d.mean(), d.var(ddof=1)
            shape, rate = m * m / v + 2, m * (m * m / v + 1)
            gs, ds = g.copy(), d.copy()
            for _ in range(500):
                gs = (n * tau * g + ds * g.mean()) / (n * tau + ds)
                ds = (rate + ((own - gs) ** 2).sum(0) / 2) / (n / 2 + shape - 1)
            g, d = gs, ds
        else:
            weigh = np.array([[0.0 if i == j else np.prod(np.exp(-(own[:, i] - g[j]) ** 2 / (2 * d[j]))
                                                          / np.sqrt(2 * np.pi * d[j])) for j in range(len(g))]
                              for i in range(len(g))])
            g, d = weigh @ g / weigh.sum(1), weigh @ d / weigh.sum(1)
        out[batch == k] = (own - g) / np.sqrt(d)
    return out * spread + level


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("adjusting", [False, True], ids=["alone", "covariate"])
def test_every_kind_follows_the_paper(options: dict[str, object], adjusting: bool) -> None:
    x, batch, age = made()
    given = age if adjusting else None
    found = combat.apply(combat.fit(x, batch, given, **options), x, batch, given)  # type: ignore[arg-type]
    assert np.abs(found - by_the_paper(x, batch, given, **options)).max() < 1e-3  # type: ignore[arg-type]


@pytest.mark.skipif(not (PLACE / "expected" / "combat_par_cov.csv").is_file(),
                    reason="R's whole matrices are in the shared reference set only")
@pytest.mark.parametrize(("name", "options"), [
    ("par_nocov", {}), ("nonpar_nocov", {"estimate": "nonparametric"}), ("par_cov", {}), ("par_ref", {"reference": 0}),
    ("nonpar_cov", {"estimate": "nonparametric"}), ("par_cov_ref", {"reference": 0}),
    ("nonpar_cov_ref", {"estimate": "nonparametric", "reference": 0}), ("meanonly_cov", {"mean_only": True})])
def test_the_whole_matrix_equals_r(name: str, options: dict[str, object]) -> None:
    table = pd.read_csv(PLACE / "input" / "combat.csv")
    assert json.loads((PLACE / "settings.json").read_text(encoding="utf-8"))["combat_ref"] == "b1"
    expected = pd.read_csv(PLACE / "expected" / f"combat_{name}.csv").filter(regex=r"^f\d+$")
    batch = np.unique(table["batch"], return_inverse=True)[1]
    given = table[["y", "age"]].to_numpy(float) if "_cov" in name else None
    x = table[list(expected)].to_numpy(float)
    known = combat.fit(x, batch, given, **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(combat.apply(known, x, batch, given), expected.to_numpy(float), rtol=1e-5, atol=1e-6)


def test_tested_rows_do_not_shape_their_correction() -> None:
    x, batch, age = made()
    known = combat.fit(x[:40], batch[:40], age[:40])
    alone = combat.apply(known, x[40:41], batch[40:41], age[40:41])
    assert np.array_equal(alone, combat.apply(known, x[40:], batch[40:], age[40:])[:1])


def test_the_reference_and_unseen_batches_stay_as_they_are() -> None:
    x, batch, _ = made()
    out = combat.apply(combat.fit(x[batch < 2], batch[batch < 2], reference=1), x, batch)
    assert np.allclose(out[batch == 1], x[batch == 1]) and np.array_equal(out[batch == 2], x[batch == 2])
    assert not np.allclose(out[batch == 0], x[batch == 0])


def test_a_feature_that_is_flat_in_one_batch_is_left_as_in_sva() -> None:
    x, batch, _ = made()
    x[batch == 1, 3], x[:, 5] = 4.0, 1.0
    known = combat.fit(x, batch)
    out = combat.apply(known, x, batch)
    assert np.flatnonzero(~known.adjusted).tolist() == [3, 5] and np.array_equal(out[:, [3, 5]], x[:, [3, 5]])
    others = np.delete(np.arange(12), [3, 5])
    assert np.allclose(out[:, others], combat.apply(combat.fit(x[:, others], batch), x[:, others], batch))


def test_one_feature_alone_is_not_shrunk() -> None:
    x, batch, _ = made(features=1)
    out = combat.apply(combat.fit(x, batch), x, batch)
    assert np.allclose([out[batch == k].mean() for k in range(3)], out.mean())
    assert np.ptp([out[batch == k].std() for k in range(3)]) < 1e-9


def test_equal_features_need_no_warning() -> None:
    x, batch, _ = made(features=1)
    for options in KINDS:
        out = combat.apply(combat.fit(np.tile(x, 4), batch, **options), np.tile(x, 4), batch)  # type: ignore[arg-type]
        assert np.isfinite(out).all()


def test_a_covariate_that_is_the_batch_gets_no_effect_and_one_that_explains_all_leaves_the_feature() -> None:
    x, batch, age = made()
    same = combat.fit(x, batch, np.hstack([age, batch[:, None] * 7.0]))
    assert np.allclose(same.slopes[1], 0) and np.allclose(same.slopes[0], combat.fit(x, batch, age).slopes[0])
    x[:, 2] = age[:, 0] / 2
    assert not combat.fit(x, batch, age).adjusted[2]


def test_a_new_batch_is_learned_from_its_sample_and_moves_to_the_others() -> None:
    x, batch, _ = made(600, batches=4, seed=3)
    old = batch != 2
    known = combat.fit(x[old], batch[old])
    more = combat.extend(known, x[batch == 2][:100], 2)
    out = combat.apply(more, x, batch)
    assert more.batches.tolist() == [0, 1, 2, 3]
    assert np.array_equal(out[old], combat.apply(known, x, batch)[old])
    far = np.abs(x[batch == 2].mean(0) - known.level).mean()
    assert np.abs(out[batch == 2].mean(0) - known.level).mean() < 0.1 * far


def test_a_single_batch_stays_as_it_is_and_serves_as_the_reference_of_later_ones() -> None:
    x, batch, _ = made(300, batches=2)
    known = combat.fit(x[batch == 0], batch[batch == 0])
    assert np.allclose(combat.apply(known, x, batch), x)
    moved = combat.apply(combat.extend(known, x[batch == 1], 1), x, batch)
    assert np.abs(moved[batch == 1].mean(0) - x[batch == 0].mean(0)).max() < 0.3


@pytest.mark.parametrize(("batch", "reference", "mend"), [
    ([0, 0, 0, 1], None, "join it with another"), ([0, 0, 1, 1], 2, "Name another one")])
def test_batches_without_rows_are_refused(batch: list[int], reference: int | None, mend: str) -> None:
    with pytest.raises(RadnbError, match=mend):
        combat.fit(np.random.default_rng(0).normal(size=(4, 3)), np.array(batch), reference=reference)
