"""What fits work on: the cohort as plain arrays, and samples of it with everything learned before the outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radnb.learning.folds import IntArray, deal
from radnb.learning.fusion import Blocks, Layout
from radnb.learning.harmonise import calibration_rows
from radnb.learning.imbalance import Oversampler
from radnb.learning.learners.learner import Learner
from radnb.learning.prepare import Preparation
from radnb.learning.selectors.screens import Robust
from radnb.learning.selectors.selector import Given, Selector
from radnb.learning.thresholds import Rule
from radnb.statistics.families import Array

INNER_FOLDS = 5
FEWEST_REPEATED = 10


@dataclass(frozen=True)
class Chain:
    """Selectors one after another; chains of one family differ only in how many features the last one keeps.

    A family's last selector is made once, for the largest number; `k` then keeps the beginning of its order.
    """

    steps: tuple[Callable[[], Selector], ...]
    family: int = 0
    k: int | None = None


@dataclass(frozen=True)
class Candidate:
    """One way to select and model; several are compared in inner folds, and each has a row in the grid's table."""

    chain: int
    model: Callable[[], Learner]
    note: str = ""
    selector: str = ""
    learner: str = ""
    features: int | None = None


@dataclass(frozen=True)
class Problem:
    """Everything a fit needs, as plain arrays: raw blocks, outcome, patients, and the recipe."""

    blocks: Mapping[str, Array]
    columns: Mapping[str, tuple[str, ...]]
    y: Array  # class codes (n,) or time and event (n, 2)
    classes: int  # 0: survival
    groups: IntArray
    strata: IntArray
    centres: IntArray
    sets: Mapping[str, Layout]
    prespecified: Blocks
    preparation: Preparation
    chains: tuple[Chain, ...]
    candidates: tuple[Candidate, ...]
    robust: tuple[Robust, ...]
    threshold: Rule
    seed: int
    grid: bool = False  # whether every candidate is scored, not only the chosen one
    oversample: Oversampler | None = None
    batches: IntArray | None = None  # of each row, where features are harmonised
    covariates: Array | None = None
    calibration: int | NDArray[np.bool_] = 0  # patients of a new batch, or rows, who teach it and are never tested
    repeated: Mapping[str, Array] = field(default_factory=dict)  # block -> (patients, readers, features)
    repeated_groups: IntArray = field(default_factory=lambda: np.empty(0, np.intp))
    samples: dict[bytes, Sample] = field(default_factory=dict, compare=False, repr=False)

    @property
    def targets(self) -> int:
        """Return the number of score columns."""
        return self.classes if self.classes > 2 else 1

    def raw(self, blocks: Blocks) -> Array:
        """Return the joined raw columns of some blocks."""
        parts = [self.blocks[b] for b in blocks]
        return np.hstack(parts) if parts else np.empty((len(self.groups), 0))

    def names(self, blocks: Blocks) -> tuple[str, ...]:
        """Return the joined column names of some blocks."""
        return tuple(name for b in blocks for name in self.columns[b])

    def taught(self, train: IntArray) -> IntArray:
        """Return the rows that teach batches without training rows, which are therefore never tested."""
        if self.batches is None or self.preparation.harmoniser is None:
            return np.empty(0, np.intp)
        if self.preparation.harmoniser.unseen != "calibrate":
            return np.empty(0, np.intp)
        return calibration_rows(self.batches, self.groups, train, calibration=self.calibration, seed=self.seed)

    def sample(self, train: IntArray) -> Sample:
        """Return the sample of these training rows, the same one every time; for rows that are fitted again."""
        return self.samples.setdefault(train.tobytes(), Sample(self, train))

    def parts(self, blocks: Blocks) -> tuple[Blocks, Blocks]:
        """Tell the blocks that always enter from those whose features are selected."""
        return (tuple(b for b in blocks if b in self.prespecified),
                tuple(b for b in blocks if b not in self.prespecified))


@dataclass(frozen=True)
class Table:
    """Some blocks as one training sample prepares them, for all rows of the cohort."""

    values: Array
    names: tuple[str, ...]
    candidates: int
    preparation: Preparation
    raw: IntArray  # raw column number (of the joined blocks) behind each prepared input column


@dataclass
class Sample:
    """One set of training rows (copies allowed); blocks are prepared once for all model sets and outcomes.

    Whatever is learned takes its rows through `see`, which keeps for the leak certificate who was looked at.
    """

    problem: Problem
    train: IntArray
    seen: dict[str, IntArray] = field(default_factory=dict, repr=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)  # what fits of these rows share
    _tables: dict[Blocks, Table] = field(default_factory=dict, repr=False)
    _inside: dict[Blocks, Array] = field(default_factory=dict, repr=False)
    _inner: list[tuple[Sample, IntArray]] | None = field(default=None, repr=False)
    teachers: IntArray | None = field(default=None, repr=False)  # of the outer sample: inner ones take no others

    def see(self, step: str) -> IntArray:
        """Return the training rows, and keep that a step of this name looked at them."""
        self.seen[step] = self.train
        return self.train

    def table(self, blocks: Blocks) -> Table:
        """Return the blocks prepared with what these training rows give."""
        if blocks not in self._tables:
            self._tables[blocks] = self._prepare(blocks)
        return self._tables[blocks]

    def inside(self, blocks: Blocks, moved: IntArray | None = None) -> Array:
        """Return the prepared training rows, or those that take their place."""
        if moved is not None:
            return self.table(blocks).values[moved[self.train]]
        if blocks not in self._inside:
            self._inside[blocks] = self.table(blocks).values[self.train]
        return self._inside[blocks]

    def taught(self) -> IntArray:
        """Return the rows that teach batches without training rows; a batch that only an inner fold lacks has none.

        Its other rows may be those that the outer fold tests.
        """
        if self.teachers is None:
            self.teachers = self.problem.taught(self.train)
        return self.teachers

    def inner(self) -> list[tuple[Sample, IntArray]]:
        """Return inner samples with the positions, among the training rows, that each holds out."""
        if self._inner is None:
            self._inner = self.dealt(self.problem.strata)
        return self._inner

    def dealt(self, strata: IntArray) -> list[tuple[Sample, IntArray]]:
        """Deal the training rows into inner folds by these strata of all rows; nothing where an outcome is too rare."""
        groups, strata = self.problem.groups[self.train], strata[self.train]
        scarce = [len(np.unique(groups[strata == value])) for value in np.unique(strata) if value >= 0]
        folds = min(INNER_FOLDS, *scarce)
        if folds < 2:
            return []
        fold = deal(groups, strata, folds, np.random.default_rng([self.problem.seed, 5]))
        return [(Sample(self.problem, self.train[fold != f], teachers=self.taught()), np.flatnonzero(fold == f))
                for f in range(folds)]

    def looked(self) -> Iterator[tuple[str, IntArray]]:
        """Yield each step that was fitted here or on an inner sample, with the rows that it saw."""
        yield from self.seen.items()
        for inside, _ in self._inner or ():
            yield from inside.looked()

    def _prepare(self, blocks: Blocks) -> Table:
        problem, raw = self.problem, self.problem.raw(blocks)
        whole = set(blocks) <= set(problem.prespecified)
        allowed = np.arange(raw.shape[1]) if whole else self._agreed(blocks, raw.shape[1])
        like = problem.preparation
        made = replace(like, near_constant=1.0, correlation=None, harmoniser=None) if whole else replace(like)
        rows, part = self.see("prepare"), raw[:, allowed]
        batch, known = problem.batches, problem.covariates
        made.fit(part[rows], batch=None if batch is None else batch[rows],
                 covariates=None if known is None else known[rows])
        if batch is not None and not whole and len(taught := self.taught()):
            self.seen["calibrate"] = taught
            made.calibrate(part[taught], batch[taught], None if known is None else known[taught])
        names = made.names(tuple(np.array(problem.names(blocks), object)[allowed]))
        return Table(made.transform(part, batch, known), names, raw.shape[1], made, allowed)

    def _agreed(self, blocks: Blocks, columns: int) -> IntArray:
        allowed = np.arange(columns)
        if not self.problem.robust:
            return allowed
        here = np.isin(self.problem.repeated_groups, self.problem.groups[self.see("agreement")])
        agreement = np.full(columns, np.nan)
        if here.sum() >= FEWEST_REPEATED:
            from radnb.statistics.agreement import icc_a1  # loads scipy.stats, and few runs need it

            agreement = icc_a1(np.concatenate([self.problem.repeated[b][here] for b in blocks], axis=2)).low
        for selector in self.problem.robust:
            found = selector.fit(np.empty((0, columns)), np.empty(0), Given(agreement=agreement)).support_
            allowed = np.intersect1d(allowed, found)
        return allowed
