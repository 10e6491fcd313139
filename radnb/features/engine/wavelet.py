"""Stationary wavelet transform of a box, as PyRadiomics asks it of PyWavelets: periodic, one level upon the other.

Each level filters the approximation of the level before with the same, undilated filters.  An odd side is made even by
repeating its first voxel, so that the volume closes upon itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from radnb.features.engine import native
from radnb.features.engine.grid import Box

Span = tuple[int, int]  # first and one past the last index along an axis; beyond the volume it repeats


def bands(volume: np.ndarray, box: Box, axes: Sequence[int], wavelet: str, *, start_level: int,
          levels: int) -> Iterator[tuple[int, str, np.ndarray]]:
    """Yield level (from 1), letters and voxels of each band of a box: details by level, then the approximation."""
    filters = _filters(wavelet, np.dtype(np.float32 if volume.dtype == np.float32 else np.float64))
    even = [n + n % 2 for n in volume.shape]
    held = _held(box, axes, filters.shape[1], start_level + levels, even)
    source, found = _repeated(volume, held[0], volume.shape).astype(filters.dtype, copy=False), held[0]
    for step, spans in enumerate(held[1:], start=1):
        wide = [_reached(span, filters.shape[1]) if axis in axes else span for axis, span in enumerate(spans)]
        source = _inner(source, found, wide, even)
        approximation = source
        for letters, voxels in _split(source, axes, spans, even, filters, details=step > start_level):
            if "H" in letters:
                yield step - start_level, letters, _cut(voxels, spans, box)
            else:
                approximation = voxels
        source, found = approximation, spans
    yield levels, "L" * len(axes), _cut(source, found, box)


def _filters(wavelet: str, kind: np.dtype) -> np.ndarray:
    """Return the low-pass and the high-pass filter of a wavelet, in the precision of the image.

    They are what PyWavelets makes of an impulse: its single-precision filters are not its double ones rounded.
    """
    import pywt

    taps = pywt.Wavelet(wavelet).dec_len
    impulse = np.zeros(2 * taps + taps % 2, kind)
    impulse[0] = 1
    (low, high), = pywt.swt(impulse, wavelet, level=1)
    return np.array([np.roll(answer, taps // 2)[:taps] for answer in (low, high)], kind)


def _reached(span: Span, taps: int) -> Span:
    """Return the samples that the outputs of a span are made of."""
    return span[0] + taps // 2 - taps + 1, span[1] + taps // 2


def _held(box: Box, axes: Sequence[int], taps: int, steps: int, even: Sequence[int]) -> list[list[Span]]:
    """Return the spans to hold before the first step and after each; never more than once around."""
    found = [[(span.start, span.stop) for span in box]]
    for step in range(steps):
        spans = [_reached(span, taps) if axis in axes else span for axis, span in enumerate(found[0])]
        around = [(0, n) if span[1] - span[0] >= n and step < steps - 1 else span
                  for span, n in zip(spans, even, strict=True)]
        found.insert(0, around)
    return found


def _repeated(volume: np.ndarray, spans: Sequence[Span], shape: Sequence[int]) -> np.ndarray:
    """Cut a span out of a volume that is made even and repeats itself."""
    for axis, ((first, last), n) in enumerate(zip(spans, shape, strict=True)):
        if first >= 0 and last <= n:
            place = [slice(None)] * 3
            place[axis] = slice(first, last)
            volume = volume[tuple(place)]
        else:
            index = np.arange(first, last) % (n + n % 2)
            volume = np.take(volume, np.where(index == n, 0, index), axis=axis)
    return np.ascontiguousarray(volume)


def _inner(source: np.ndarray, found: Sequence[Span], wanted: Sequence[Span], even: Sequence[int]) -> np.ndarray:
    """Take a span out of one that was held, going around where that is a whole round."""
    for axis, (held, span, n) in enumerate(zip(found, wanted, even, strict=True)):
        if held != span:
            source = np.take(source, (np.arange(*span) - held[0]) % n, axis=axis)
    return np.ascontiguousarray(source)


def _split(source: np.ndarray, axes: Sequence[int], spans: Sequence[Span], even: Sequence[int], filters: np.ndarray, *,
           details: bool, letters: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Filter along one axis after the other, low before high; without `details` only what is low along all."""
    if not axes:
        yield letters, source
        return
    low, high = _filtered(source, axes[0], spans[axes[0]], even[axes[0]], filters)
    yield from _split(low, axes[1:], spans, even, filters, details=details, letters=letters + "L")
    if details:
        yield from _split(high, axes[1:], spans, even, filters, details=True, letters=letters + "H")


def _filtered(source: np.ndarray, axis: int, span: Span, even: int,
              filters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the low-pass and the high-pass answer along one axis."""
    taps, outputs = filters.shape[1], span[1] - span[0]
    order, plain = _orders(span, even, taps)
    shape = list(source.shape)
    shape[axis] = outputs
    low, high = np.empty(shape, filters.dtype), np.empty(shape, filters.dtype)
    outer, inner = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1:]))
    if axis == 2:
        native.call(native.variant("wavelet_rows", filters), source, outer, outputs, taps, order, plain, filters[0],
                    filters[1], low, high)
    else:
        native.call(native.variant("wavelet_pass", filters), source, outer, outputs, inner, taps, order, filters[0],
                    filters[1], low, high)
    return low, high


def _orders(span: Span, even: int, taps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the taps of each output in the order in which PyWavelets adds them, and whether that is the plain order.

    Where the filter passes the end of the line it begins with the samples beyond the end, nearest last.
    """
    beyond = np.arange(*span) % even + taps // 2 - even + 1  # taps that lie beyond the end
    tap = np.arange(taps)
    order = np.where(tap < beyond[:, None], beyond[:, None] - 1 - tap, tap)
    return np.ascontiguousarray(order), (beyond <= 1).astype(np.int64)


def _cut(voxels: np.ndarray, spans: Sequence[Span], box: Box) -> np.ndarray:
    place = tuple(slice(side.start - span[0], side.stop - span[0]) for side, span in zip(box, spans, strict=True))
    return np.ascontiguousarray(voxels[place])
