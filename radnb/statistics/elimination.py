"""Recursive elimination by the weights of a linear model, each model begun where the one before ended.

After every elimination the same problem is solved on one column less: the Gram matrix changes by rank one and the
solution hardly at all, so that a few exact steps replace a new fit (Guyon et al., Mach Learn 2002;46:389).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from radnb.statistics.families import Array

IntArray = NDArray[np.intp]
RENEWAL = 40  # rank-one changes of an inverse before it is computed anew


class Machine(Protocol):
    """A linear model that follows its own columns being taken away."""

    def drop(self, columns: IntArray) -> None:
        """Take columns away and solve again."""

    def weights(self) -> Array:
        """Return the weight of every column, 0 for those taken away."""


def eliminate(machines: Sequence[Machine], columns: int, *, step: int | float = 1) -> IntArray:
    """Return all columns, the last survivor first; the smallest sum of squared weights goes first.

    `step` is the number of columns taken away at a time, or below 1 the share of those still there.
    """
    left, gone = np.arange(columns), []
    while len(left) > 1:
        size = sum(machine.weights()[left] ** 2 for machine in machines)
        many = min(max(1, int(step * len(left)) if step < 1 else int(step)), len(left) - 1)
        order = np.argsort(size, kind="stable")[:many]
        out, left = left[order], np.delete(left, order)
        gone.append(out)
        if len(left) > 1:
            for machine in machines:
                machine.drop(out)
    return np.concatenate([left, *[out[::-1] for out in reversed(gone)]])


@dataclass
class Margin:
    """A linear support vector machine: the exact minimum of |w|^2/2 + cost * sum of hinge losses.

    In beta = label * multiplier the free patients lie on their margin, which is one linear system; an active-set
    method moves patients between free, zero and the cost until the conditions of optimality hold.
    """

    x: Array
    label: Array  # -1 or 1
    cost: float = 1.0
    tol: float = 1e-7
    beta: Array = field(init=False)
    copies: Array = field(init=False)  # how many patients each row stands for
    most: Array = field(init=False)  # the largest multiplier of each row
    gram: Array = field(init=False)

    def __post_init__(self) -> None:
        self._merge()
        self.gram = self.x @ self.x.T
        self.jitter = 1e-10 * float(np.trace(self.gram)) / len(self.x) + 1e-300
        self.gone = np.zeros(self.x.shape[1], bool)
        self._begin()
        self._solve()

    def weights(self) -> Array:
        """Return the weight of every column, 0 for those taken away."""
        return np.where(self.gone, 0.0, self.beta @ self.x)

    def drop(self, columns: IntArray) -> None:
        """Take columns away and solve again."""
        part = self.x[:, columns]
        self.gram -= part @ part.T
        self.gone[columns] = True
        if part.shape[1] == 1 and self.age < RENEWAL:
            self._downdate(part[self.free, 0])
        else:
            self._invert()
        self._solve()

    def _merge(self) -> None:
        """Let copies of a patient be one row that counts as many times: the same problem, which can be solved."""
        rows = np.column_stack([self.label, self.x])
        _, first, copies = np.unique(rows, axis=0, return_index=True, return_counts=True)
        order = np.argsort(first)
        self.x, self.label = self.x[first[order]], self.label[first[order]]
        self.copies = copies[order].astype(float)
        self.most = self.cost * self.copies

    def _begin(self) -> None:
        from sklearn.svm import SVC  # scikit-learn takes seconds to load

        found = SVC(kernel="precomputed", C=self.cost, tol=1e-4)
        found.fit(self.gram, self.label, sample_weight=self.copies)
        self.beta = np.zeros(len(self.label))
        self.beta[found.support_] = found.dual_coef_[0]
        size = self.beta * self.label
        edge = 1e-9 * self.cost
        self.beta = np.where(size > self.most - edge, self.most * self.label, np.where(size < edge, 0.0, self.beta))
        size = self.beta * self.label
        self._free(np.flatnonzero((size > 0) & (size < self.most)))

    def _free(self, free: IntArray) -> None:
        self.free = free
        self._invert()

    def _invert(self) -> None:
        many = len(self.free)
        whole = np.zeros((many + 1, many + 1))
        whole[1:, 1:] = self.gram[np.ix_(self.free, self.free)]
        whole[np.arange(1, many + 1), np.arange(1, many + 1)] += self.jitter
        whole[0, 1:] = whole[1:, 0] = 1.0
        self.inverse, self.age = np.linalg.inv(whole) if many else whole, 0

    def _downdate(self, column: Array) -> None:
        if not len(column):
            return
        moved = self.inverse[:, 1:] @ column
        left = 1.0 - float(moved[1:] @ column)
        if left < 1e-8:
            self._invert()
            return
        self.inverse += np.outer(moved, moved) / left
        self.age += 1

    def _solve(self) -> None:
        self.pull = self.label - self.gram @ self.beta
        for _ in range(20 * len(self.label)):
            if len(self.free) and not self._reach():
                continue
            if not self._release():
                return
        self._begin()  # degenerate: libsvm's answer will do

    def _reach(self) -> bool:
        """Go to the solution for the free patients, or until one of them meets a bound."""
        now, y, most = self.beta[self.free], self.label[self.free], self.most[self.free]
        found = self.inverse @ np.concatenate([[-self.beta.sum()], self.pull[self.free]])
        goal = now + found[1:]
        size, aim = now * y, goal * y
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(aim < 0, size / (size - aim), np.where(aim > most, (most - size) / (aim - size), 1.0))
        first = int(np.argmin(reach))
        if reach[first] >= 1.0:
            self.offset = float(found[0])
            self._move(goal)
            return True
        moved = now + max(float(reach[first]), 0.0) * (goal - now)
        moved[first] = y[first] * (most[first] if aim[first] > most[first] else 0.0)
        self._move(moved)
        self._take(first)
        return False

    def _move(self, to: Array) -> None:
        change = np.zeros(len(self.beta))
        change[self.free] = to - self.beta[self.free]
        self.beta[self.free] = to
        self.pull -= self.gram @ change

    def _take(self, place: int) -> None:
        """Bind one free patient: the inverse loses a row and a column."""
        i = place + 1
        pivot = self.inverse[i, i]
        self.free = np.delete(self.free, place)
        if not len(self.free) or abs(pivot) < 1e-300 or self.age >= RENEWAL:
            self._invert()
            return
        keep = np.delete(np.arange(len(self.inverse)), i)
        column = self.inverse[keep, i]
        self.inverse = self.inverse[np.ix_(keep, keep)] - np.outer(column, column) / pivot
        self.age += 1

    def _release(self) -> bool:
        """Free the patients that break the conditions of optimality most; say whether there were any."""
        y, pull = self.label, self.pull
        if not len(self.free):
            size = self.beta * y
            up = np.where((y > 0) & (size < self.most) | (y < 0) & (size > 0), pull, -np.inf)
            down = np.where((y > 0) & (size > 0) | (y < 0) & (size < self.most), pull, np.inf)
            pair = np.array([int(np.argmax(up)), int(np.argmin(down))])
            if up[pair[0]] - down[pair[1]] <= self.tol:
                return False
            self._free(np.sort(pair))
            return True
        slack = y * (pull - self.offset)  # above 0: the multiplier wants to grow
        size = self.beta * y
        broken = np.where(size <= 0, slack, np.where(size >= self.most, -slack, 0.0))
        broken[self.free] = 0.0
        worst = int(np.argmax(broken))
        if broken[worst] <= self.tol:
            return False
        self._add(worst)
        return True

    def _add(self, patient: int) -> None:
        """Free one patient: the inverse gains a row and a column."""
        edge = np.concatenate([[1.0], self.gram[self.free, patient]])
        moved = self.inverse @ edge
        rest = float(self.gram[patient, patient]) + self.jitter - float(edge @ moved)
        self.free = np.append(self.free, patient)
        if rest <= 1e-12 * self.gram[patient, patient] or self.age >= RENEWAL:
            self._invert()
            return
        many = len(edge)
        new = np.empty((many + 1, many + 1))
        new[:many, :many] = self.inverse + np.outer(moved, moved) / rest
        new[many, :many] = new[:many, many] = -moved / rest
        new[many, many] = 1 / rest
        self.inverse = new
        self.age += 1


@dataclass
class Odds:
    """Logistic regression with the penalty |w|^2/2 and `cost` times the loss, by Newton's method."""

    x: Array
    truth: Array  # 0 or 1
    cost: float = 1.0
    tol: float = 1e-6

    def __post_init__(self) -> None:
        share = float(self.truth.mean())
        self.w, self.b = np.zeros(self.x.shape[1]), float(np.log(share / (1 - share)))
        self.left = np.arange(self.x.shape[1])
        self.gram = self.x @ self.x.T
        self._solve()

    def weights(self) -> Array:
        """Return the weight of every column, 0 for those taken away."""
        return self.w

    def drop(self, columns: IntArray) -> None:
        """Take columns away and solve again."""
        part = self.x[:, columns]
        if len(self.left) > len(self.x):
            self.gram -= part @ part.T
        self.w[columns] = 0.0
        self.left = np.setdiff1d(self.left, columns, assume_unique=True)
        self._solve()

    def _loss(self, eta: Array, w: Array) -> float:
        return self.cost * float(np.sum(np.logaddexp(0.0, eta) - self.truth * eta)) + 0.5 * float(w @ w)

    def _solve(self) -> None:
        x = self.x[:, self.left]
        w, b = self.w[self.left], self.b
        eta = x @ w + b
        loss = self._loss(eta, w)
        for _ in range(100):
            p = expit(eta)
            slope = self.truth - p
            if max(np.abs(self.cost * (slope @ x) - w).max(initial=0.0), abs(self.cost * slope.sum())) <= self.tol:
                break
            to, level = self._newton(x, eta, p)
            size = 1.0
            while True:
                new, shift = w + size * (to - w), b + size * (level - b)
                at = x @ new + shift
                reached = self._loss(at, new)
                if reached <= loss + 1e-12 * abs(loss) or size < 1e-6:
                    break
                size /= 2
            w, b, eta, loss = new, shift, at, reached
        self.w[self.left], self.b = w, b

    def _newton(self, x: Array, eta: Array, p: Array) -> tuple[Array, float]:
        """Return the next weights and intercept, through rows or columns, whichever are fewer."""
        v = np.maximum(p * (1 - p), 1e-10)
        aim = eta + (self.truth - p) / v
        v = v * self.cost
        if x.shape[1] > len(x):
            factor = cho_factor(self.gram + np.diag(1 / v), lower=True, check_finite=False)
            both = cho_solve(factor, np.column_stack([aim, np.ones(len(x))]), check_finite=False)
            level = float(both[:, 0].sum() / both[:, 1].sum())
            return (both[:, 0] - level * both[:, 1]) @ x, level
        middle, goal = (v @ x) / v.sum(), float(v @ aim / v.sum())
        centred = x - middle
        inside = (centred.T * v) @ centred
        inside[np.diag_indices_from(inside)] += 1.0
        to = cho_solve(cho_factor(inside, lower=True, check_finite=False), centred.T @ (v * (aim - goal)),
                       check_finite=False)
        return to, goal - float(middle @ to)
