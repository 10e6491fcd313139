"""Formulas of the texture features; every matrix may have further axes in front (slices, directions)."""

from __future__ import annotations

import numpy as np

from radnb.features.ibsi.standard import FAMILIES

Found = dict[str, np.ndarray]


def _entropy(p: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=axes)


def cooccurrence(counts: np.ndarray) -> Found:
    """Return the features (LFYI) of co-occurrence matrices, ... x level x level."""
    bins = counts.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):  # a matrix without pairs has no features: not a number
        p = counts / counts.sum(axis=(-2, -1), keepdims=True)
    i = np.arange(1, bins + 1)[:, None]
    j = i.T
    both = (-2, -1)
    px = p.sum(axis=-1)
    k_minus, k_plus = np.arange(bins), np.arange(2, 2 * bins + 1)
    minus, plus = _along_diagonals(p, np.abs(i - j), bins), _along_diagonals(p, i + j - 2, 2 * bins - 1)

    def mean(weight: np.ndarray) -> np.ndarray:
        return (weight * p).sum(axis=both)

    mu = mean(i)[..., None, None]
    diff_avg, sum_avg = (k_minus * minus).sum(-1), (k_plus * plus).sum(-1)
    variance = mean((i - mu) ** 2)
    hx, hxy = _entropy(px, (-1,)), _entropy(p, both)
    independent = px[..., :, None] * px[..., None, :]
    hxy1 = -(p * np.log2(np.where(independent > 0, independent, 1))).sum(axis=both)
    hxy2 = _entropy(independent, both)
    cluster = i + j - 2 * mu
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "JointMaximum": p.max(axis=both),  # GYBY
            "JointAverage": mean(i),  # 60VM
            "JointVariance": variance,  # UR99
            "JointEntropy": hxy,  # TU9B
            "DifferenceAverage": diff_avg,  # TF7R
            "DifferenceVariance": ((k_minus - diff_avg[..., None]) ** 2 * minus).sum(-1),  # D3YU
            "DifferenceEntropy": _entropy(minus, (-1,)),  # NTRS
            "SumAverage": sum_avg,  # ZGXS
            "SumVariance": ((k_plus - sum_avg[..., None]) ** 2 * plus).sum(-1),  # OEEB
            "SumEntropy": _entropy(plus, (-1,)),  # P6QZ
            "AngularSecondMoment": mean(p),  # 8ZQL
            "Contrast": mean((i - j) ** 2),  # ACUI
            "Dissimilarity": mean(np.abs(i - j)),  # 8S9J
            "InverseDifference": mean(1 / (1 + np.abs(i - j))),  # IB1Z
            "NormalisedInverseDifference": mean(1 / (1 + np.abs(i - j) / bins)),  # NDRX
            "InverseDifferenceMoment": mean(1 / (1 + (i - j) ** 2)),  # WF0Z
            "NormalisedInverseDifferenceMoment": mean(1 / (1 + (i - j) ** 2 / bins**2)),  # 1QCO
            "InverseVariance": mean(np.where(i == j, 0, 1 / np.maximum((i - j) ** 2, 1))),  # E8JP
            "Correlation": np.where(variance == 0, 1, mean((i - mu) * (j - mu)) / variance),  # NI2N
            "Autocorrelation": mean(i * j),  # QWB0
            "ClusterTendency": mean(cluster**2),  # DG8W
            "ClusterShade": mean(cluster**3),  # 7NFM
            "ClusterProminence": mean(cluster**4),  # AE86
            "InformationCorrelation1": np.where(hx == 0, 0, (hxy - hxy1) / hx),  # R8DG
            "InformationCorrelation2": np.sqrt(1 - np.exp(-2 * np.maximum(hxy2 - hxy, 0)))}  # JN9H


def _along_diagonals(p: np.ndarray, number: np.ndarray, count: int) -> np.ndarray:
    """Sum the entries of each matrix that bear the same number: ... x count."""
    flat = p.reshape(-1, number.size)
    sums = [np.bincount(number.ravel(), row, minlength=count) for row in flat]
    return np.array(sums).reshape(*p.shape[:-2], count)


def _emphases(counts: np.ndarray, voxels: np.ndarray, j: np.ndarray) -> list[np.ndarray]:
    """Return the features that run-length, zone and dependence matrices (... x level x length) share, in the order of
    the standard's lists."""
    i = np.arange(1, counts.shape[-2] + 1, dtype=float)[:, None]
    both = (-2, -1)
    total = counts.sum(axis=both)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = counts / total[..., None, None]

        def mean(weight: np.ndarray) -> np.ndarray:
            return (weight * p).sum(axis=both)

        of_levels, of_lengths = (p.sum(axis=-1) ** 2).sum(axis=-1), (p.sum(axis=-2) ** 2).sum(axis=-1)
        mu_i, mu_j = mean(i)[..., None, None], mean(j)[..., None, None]
        return [
            mean(1 / j**2),  # short: 22OV, 5QRC, 0GBI, SODN
            mean(j**2),  # long: W4KF, 48P8, MB4I, IMOQ
            mean(1 / i**2),  # low: V3SW, XMSY, S1RA, TL9H
            mean(i**2),  # high: G3QZ, 5GN9, K26C, OAE7
            mean(1 / (i**2 * j**2)),  # short low: HTZT, 5RAI, RUVG, EQ3F
            mean(i**2 / j**2),  # short high: GD3A, HW1V, DKNJ, JA6D
            mean(j**2 / i**2),  # long low: IVPO, YH51, A7WM, NBZI
            mean(i**2 * j**2),  # long high: 3KUM, J17V, KLTH, 9QMG
            of_levels * total,  # R5YN, JNSA, VFT7, FP8K
            of_levels,  # OVBL, Y1RO, 7HP3, 5SPA
            of_lengths * total,  # W92Y, 4JP3, V294, Z87G
            of_lengths,  # IC23, VB3A, IATH, OKJI
            total / voxels,  # 9ZK5, P30P, VIWW, 6XV8
            mean((i - mu_i) ** 2),  # 8CE5, BYLV, QK93, 1PFV
            mean((j - mu_j) ** 2),  # SXLW, 3NSA, 7WT1, DNX2
            _entropy(p, both),  # HJ9O, GU8N, GBDU, FCBV
            mean(p)]  # CAS9, for dependences only


def emphases(family: str, counts: np.ndarray, voxels: np.ndarray, lengths: np.ndarray | None = None) -> Found:
    """Return the features of run-length (TP0I), zone (9SAK, VMDZ) or dependence matrices (REK0) of `voxels` voxels,
    whose columns stand for `lengths`, 1, 2, 3 ... if not given."""
    j = np.arange(1, counts.shape[-1] + 1) if lengths is None else lengths
    return dict(zip(FAMILIES[family], _emphases(counts, voxels, j.astype(float)), strict=False))


def tone_differences(counts: np.ndarray, sums: np.ndarray) -> Found:
    """Return the features (IPET) of tone differences, both ... x level."""
    rows = zip(counts.reshape(-1, counts.shape[-1]), sums.reshape(-1, sums.shape[-1]), strict=True)
    kept = [(n, s) for n, s in rows if n.any()]  # somewhere, a voxel has a neighbour
    return {name: np.array([formula(n, s) for n, s in kept]) for name, formula in _TONES.items()}


def _coarseness(n: np.ndarray, s: np.ndarray) -> float:
    weighted = (n / n.sum()) @ s
    return 1 / weighted if weighted else 1e6  # as the manual sets for a region of one grey level


def _contrast(n: np.ndarray, s: np.ndarray) -> float:
    p, i, present = n / n.sum(), np.arange(1, n.size + 1), int((n > 0).sum())
    if present < 2:
        return 0.0
    return float((np.outer(p, p) * np.subtract.outer(i, i) ** 2).sum() / (present * (present - 1)) * s.sum() / n.sum())


def _present(n: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.flatnonzero(n)
    return n[at] / n.sum(), s[at], at + 1.0


def _busyness(n: np.ndarray, s: np.ndarray) -> float:
    p, s, i = _present(n, s)
    spread = np.abs(np.subtract.outer(i * p, i * p)).sum()
    return float(p @ s / spread) if spread else 0.0


def _complexity(n: np.ndarray, s: np.ndarray) -> float:
    p, s_present, i = _present(n, s)
    weight = np.add.outer(p * s_present, p * s_present) / np.add.outer(p, p)
    return float((np.abs(np.subtract.outer(i, i)) * weight).sum() / n.sum())


def _strength(n: np.ndarray, s: np.ndarray) -> float:
    p, s_present, i = _present(n, s)
    total = s_present.sum()
    return float((np.add.outer(p, p) * np.subtract.outer(i, i) ** 2).sum() / total) if total else 0.0


_TONES = {"Coarseness": _coarseness,  # QCDE
          "Contrast": _contrast,  # 65HE
          "Busyness": _busyness,  # NQ30
          "Complexity": _complexity,  # HDEZ
          "Strength": _strength}  # 1X9X
