"""The convolutional filters of IBSI 2, in space or slice by slice.

References: the IBSI 2 reference manual (arXiv:2006.05470) and Whybra et al., Radiology 2024;310:e231319.  Arrays are
in z, y, x; the manual's k1, k2, k3 are x, y, z.  The surroundings of the region are taken once, continued beyond the
image's edge as `boundary` says, and every sum is made only where all its neighbours are known.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from radnb.features import scales
from radnb.features.catalogue import LAWS, filters
from radnb.features.engine import native
from radnb.features.engine.region import Region

if TYPE_CHECKING:
    import pywt

Options = Mapping[str, Any]
Named = Iterator[tuple[str, np.ndarray]]
Transfer = Callable[[list[np.ndarray]], np.ndarray]
BEYOND_THE_EDGE = 32  # voxels by which images are continued before they are filtered in Fourier space
REACH_OF_GABOR = 5  # standard deviations


class Line(NamedTuple):
    """Weights of neighbours along one axis; the first of them lies `first` voxels from the middle."""

    taps: tuple[float, ...]
    first: int

    @property
    def reach(self) -> int:
        """Return how many neighbours are needed on either side."""
        return max(-self.first, self.first + len(self.taps) - 1)

    def turned(self, sign: int) -> Line:
        """Return the same weights, or for -1 those that do to an image what these do to its mirror image."""
        return self if sign > 0 else Line(self.taps[::-1], 1 - self.first - len(self.taps))


Lines = tuple[Line, ...]  # one after the other along the same axis
Separable = tuple[Lines, ...]  # one for each filtered axis


# The image types, each: region and options -> names and images of the region's box.

def mean(region: Region, options: Options) -> Named:
    """Yield averages over `support` voxels in each direction."""
    axes = filtered_axes(options)
    for name, width in zip(filters("Mean", options), options["support"], strict=True):
        yield name, pooled(region, [((flat(width),),) * len(axes)], axes, options, "sum")


def laplacian_of_gaussian(region: Region, options: Options) -> Named:
    """Yield Laplacians of Gaussians of `sigma` mm, cut off at `truncate` standard deviations."""
    axes = filtered_axes(options)
    for name, sigma in zip(filters("LoG", options), options["sigma"], strict=True):
        terms = laplacian([sigma / region.spacing[axis] for axis in axes], options.get("truncate", 4))
        if options.get("riesz"):
            yield name, in_fourier_space(region, axes, options, riesz(options), terms)
        else:
            yield name, pooled(region, terms, axes, options, "sum")


def laws(region: Region, options: Options) -> Named:
    """Yield responses to products of Laws' kernels, or with `energyDistance` their local mean absolute values."""
    axes, distance = filtered_axes(options), options.get("energyDistance", 0)
    for name, kernels in zip(filters("Laws", options), options["laws"], strict=True):
        kernel = tuple((laws_line(kernels[place:place + 2]),) for place in range(2 * len(axes) - 2, -1, -2))
        image = pooled(region, turns(kernel, options), axes, options, "max", more=distance)
        if distance:
            image = separable(np.abs(image), ((flat(2 * distance + 1),),) * len(axes), axes)
        yield name, image


def wavelet(region: Region, options: Options) -> Named:
    """Yield the undecimated separable wavelet transform, level by level, the coarsest approximation last."""
    axes, start = filtered_axes(options), options.get("start_level", 0)
    made = _wavelet(options)
    last = start + options.get("level", 1)
    levels = [start + 1 + place for place in range(last - start)]
    names = filters("Wavelet", options)
    each = (len(names) - 1) // len(levels)  # bands per level
    for place, name in enumerate(names):
        level = last if place == len(names) - 1 else levels[place // each]
        bands = name.rpartition("-")[2]
        kernel = tuple(wavelet_lines(made, band, level) for band in reversed(bands))
        yield name, pooled(region, turns(kernel, options), axes, options, "mean")


def simoncelli(region: Region, options: Options) -> Named:
    """Yield the band-pass maps of Simoncelli's non-separable wavelet, from fine to coarse."""
    for level, name in enumerate(filters("Simoncelli", options), 1):
        yield name, in_fourier_space(region, filtered_axes(options), options,
                                     _product(band_pass(level), riesz(options)))


def gabor(region: Region, options: Options) -> Named:
    """Yield moduli of Gabor filters; rotation invariant ones are pooled over angles and the orthogonal planes."""
    for name, sigma in zip(filters("Gabor", options), options["gaborSigma"], strict=True):
        yield name, gabor_image(region, sigma, options)


def spatial_scale(region: Region, options: Options) -> Named:
    """Yield Laplacians of Gaussians that bring out structures of each radius (mm)."""
    for name, radius in zip(filters("SSF", options), options["radius_mm"], strict=True):
        for _, image in laplacian_of_gaussian(region, {**options, "sigma": [scales.sigma(radius)]}):
            yield name, image


FILTERS: dict[str, Callable[[Region, Options], Named]] = {
    "Mean": mean, "LoG": laplacian_of_gaussian, "Laws": laws, "Gabor": gabor, "Wavelet": wavelet,
    "Simoncelli": simoncelli, "SSF": spatial_scale}


def reach_mm(kind: str, options: Options, spacing: float) -> float:
    """Return how many mm around a region its filtered image depends on, for voxels of up to `spacing` mm."""
    if kind == "Simoncelli" or options.get("riesz") or options.get("boundary") == "periodic":
        return math.inf
    return _REACHES[kind](options, spacing) + spacing


def _wavelet(options: Options) -> pywt.Wavelet:
    import pywt  # here, for those who ask for wavelets

    return pywt.Wavelet(options.get("wavelet", "coif1"))


def _of_wavelet(options: Options, spacing: float) -> float:
    levels = options.get("start_level", 0) + options.get("level", 1)
    return float(_wavelet(options).dec_len * (2**levels - 1) * spacing)


_REACHES: dict[str, Callable[[Options, float], float]] = {
    "Mean": lambda options, spacing: max(options["support"]) // 2 * spacing,
    "LoG": lambda options, _: options.get("truncate", 4) * max(options["sigma"]),
    "SSF": lambda options, _: options.get("truncate", 4) * scales.sigma(max(options["radius_mm"])),
    "Laws": lambda options, spacing: (2 + options.get("energyDistance", 0)) * spacing,
    "Gabor": lambda options, _: REACH_OF_GABOR * max(options["gaborSigma"]) * max(1, 1 / options.get("gaborGamma", 1)),
    "Wavelet": _of_wavelet}


def filtered_axes(options: Options) -> tuple[int, ...]:
    """Return the axes that are filtered: all, or with `inSlices` those of axial slices."""
    return (1, 2) if options.get("inSlices") else (0, 1, 2)


# Lines of weights.

@functools.cache
def flat(width: int) -> Line:
    """Return the weights of an average."""
    return Line((1 / width,) * width, -(width // 2))


@functools.cache
def laws_line(name: str) -> Line:
    """Return one of Laws' kernels, of length one."""
    taps = LAWS[name]
    norm = math.sqrt(sum(tap * tap for tap in taps))
    return Line(tuple(tap / norm for tap in reversed(taps)), -(len(taps) // 2))


def wavelet_lines(made: pywt.Wavelet, band: str, level: int) -> Lines:
    """Return the low passes of all coarser levels and the last band's own, spread by the holes of each level."""
    return tuple(_spread(made.dec_lo if step < level or band == "L" else made.dec_hi, 2 ** (step - 1))
                 for step in range(1, level + 1))


def _spread(taps: Sequence[float], step: int) -> Line:
    spread = np.zeros(len(taps) * step)
    spread[::step] = taps
    return Line(tuple(spread[::-1].tolist()), len(spread) // 2 - len(spread) + 1)


def laplacian(sigmas: Sequence[float], truncate: float) -> list[Separable]:
    """Return the terms whose sum is the Laplacian of a Gaussian, of a sigma (in voxels) for each axis.

    Where voxels are not cubes, derivatives are per width of the last axis' voxels, so that the filter stays round.
    """
    bells = [_bell(sigma, sigma / sigmas[-1], truncate) for sigma in sigmas]
    return [tuple((bent if place == term else bell,) for place, (bell, bent) in enumerate(bells))
            for term in range(len(sigmas))]


def _bell(sigma: float, scale: float, truncate: float) -> tuple[Line, Line]:
    reach = int(truncate * sigma + 0.5)
    k = np.arange(-reach, reach + 1)
    bell = np.exp(-(k / sigma) ** 2 / 2) / (math.sqrt(2 * math.pi) * sigma)
    bent = bell * ((k / sigma) ** 2 - 1) / sigma**2 * scale**2
    return Line(tuple(bell.tolist()), -reach), Line(tuple(bent.tolist()), -reach)


def turns(kernel: Separable, options: Options) -> list[Separable]:
    """Return a kernel in all its right-angled rotations, or alone where no rotation invariance is asked for."""
    if not options.get("rotationInvariant", True):
        return [kernel]
    axes = range(len(kernel))
    return [tuple(tuple(line.turned(sign) for line in kernel[axis]) for axis, sign in zip(order, signs, strict=True))
            for order in itertools.permutations(axes) for signs in itertools.product((1, -1), repeat=len(kernel))
            if _parity(order) == math.prod(signs)]


def _parity(order: tuple[int, ...]) -> int:
    return math.prod(1 if first < second else -1 for first, second in itertools.combinations(order, 2))


# Filtering.

def pooled(region: Region, kernels: list[Separable], axes: tuple[int, ...], options: Options, default: str, *,
           more: int = 0) -> np.ndarray:
    """Filter the region's box, and `more` voxels around it, with every kernel and pool the responses."""
    reaches = _reaches(kernels)
    around = {axis: sum(reach) + more for axis, reach in zip(axes, reaches, strict=True)}
    block = surroundings(region, around, options.get("boundary", "mirror"))
    how = default if default == "sum" else options.get("pooling", default)
    return _pool(_responses(block, kernels, axes, reaches), how)


def separable(block: np.ndarray, kernel: Separable, axes: tuple[int, ...]) -> np.ndarray:
    """Filter a block with one kernel; it shrinks by the kernel's reach."""
    return next(_responses(block, [kernel], axes, _reaches([kernel])))[0]


def _reaches(kernels: list[Separable]) -> list[list[int]]:
    """Return for each axis how far the lines at each place reach, the same for all kernels."""
    return [[max(lines[place].reach for lines in along) for place in range(len(along[0]))]
            for along in zip(*kernels, strict=True)]


def _responses(block: np.ndarray, kernels: list[Separable], axes: tuple[int, ...],
               reaches: list[list[int]]) -> Iterator[tuple[np.ndarray, int]]:
    """Yield each kernel's response and how often it counts; what kernels share is computed once."""
    if not axes:
        yield block, len(kernels)
        return
    shared: dict[Lines, list[Separable]] = {}
    for first, *rest in kernels:
        shared.setdefault(first, []).append(tuple(rest))
    for lines, rests in shared.items():
        filtered = block
        for line, reach in zip(lines, reaches[0], strict=True):
            filtered = correlated(filtered, line, axes[0], reach)
        yield from _responses(filtered, rests, axes[1:], reaches[1:])


def correlated(block: np.ndarray, line: Line, axis: int, reach: int) -> np.ndarray:
    """Sum weighted neighbours along one axis; the block shrinks by `reach` on both sides."""
    shape = list(block.shape)
    shape[axis] -= 2 * reach
    out = np.empty(shape)
    native.call("correlate", block, out, math.prod(shape[:axis]), block.shape[axis], shape[axis],
                math.prod(shape[axis + 1:]), reach + line.first, np.array(line.taps), len(line.taps))
    return out


def _pool(responses: Iterable[tuple[np.ndarray, int]], how: str) -> np.ndarray:
    total, count = np.empty(0), 0
    for response, times in responses:
        weighted = response if how == "max" or times == 1 else response * times
        total = weighted if not count else np.maximum(total, weighted) if how == "max" else total + weighted
        count += times
    return total / count if how == "mean" else total


def surroundings(region: Region, around: Mapping[int, int], boundary: str) -> np.ndarray:
    """Return the region's box with so many voxels around it along each axis, continued beyond the image's edge."""
    block = region.volume
    for axis, span in enumerate(region.box):
        more, size = around.get(axis, 0), block.shape[axis]
        places = np.arange(span.start - more, span.stop + more)
        inside = (places >= 0) & (places < size)
        block = block.take(_continued(places, size, boundary), axis=axis)
        if boundary == "zero" and not inside.all():
            block[(slice(None),) * axis + (~inside,)] = 0
    return np.ascontiguousarray(block, dtype=np.float64)


def _continued(places: np.ndarray, size: int, boundary: str) -> np.ndarray:
    if boundary == "periodic":
        return places % size
    if boundary == "mirror":  # the outermost voxel comes twice
        places = places % (2 * size)
        return np.minimum(places, 2 * size - 1 - places)
    return places.clip(0, size - 1)


# Filters made in Fourier space.

def in_fourier_space(region: Region, axes: tuple[int, ...], options: Options, transfer: Transfer,
                     terms: list[Separable] | None = None) -> np.ndarray:
    """Filter the whole image with a function of the frequencies along some axes; only its region's box is returned.

    What is made of frequencies reaches far, and the features' references hold for whole images.  Beyond the edge the
    image is continued a little, except periodically, as the transform itself does that.
    """
    more = 0 if options.get("boundary") == "periodic" else BEYOND_THE_EDGE
    z, y, x = (slice(0, region.volume.shape[axis]) if axis in axes else region.box[axis] for axis in range(3))
    image = pooled(replace(region, cut=(z, y, x)), terms or [((),) * len(axes)], axes, options, "sum", more=more)
    spectrum = np.fft.rfftn(image, axes=axes) * _for_real_images(transfer, image.shape, axes)
    image = np.fft.irfftn(spectrum, s=[image.shape[axis] for axis in axes], axes=axes)
    cut = (slice(span.start + more, span.stop + more) if axis in axes else slice(None)
           for axis, span in enumerate(region.box))
    return np.ascontiguousarray(image[tuple(cut)])


def _for_real_images(transfer: Transfer, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    """Return a transfer function for the half of the frequencies that a real image has.

    The reference maps count frequencies from -1 to 1, both ends included.  For an even number that is not symmetric,
    and only the part that keeps the image real is taken.
    """
    there, back = [], []
    for axis in axes:
        frequencies = np.fft.ifftshift(np.linspace(-1, 1, shape[axis]))
        stop = shape[axis] // 2 + 1 if axis == axes[-1] else None
        along = tuple(-1 if other == axis else 1 for other in range(3))
        there.append(frequencies[:stop].reshape(along))
        back.append(np.roll(frequencies[::-1], 1)[:stop].reshape(along))
    return (transfer(there) + np.conj(transfer(back))) / 2


def _product(one: Transfer, other: Transfer) -> Transfer:
    return lambda frequencies: one(frequencies) * other(frequencies)


def _radius(frequencies: list[np.ndarray]) -> np.ndarray:
    radius = np.sqrt(functools.reduce(np.add, [along**2 for along in frequencies]))
    return np.where(radius > 0, radius, np.finfo(float).tiny)


def band_pass(level: int) -> Transfer:
    """Return Simoncelli's band of one level: two octaves below the highest frequency of the level, as a cosine."""
    def transfer(frequencies: list[np.ndarray]) -> np.ndarray:
        radius = _radius(frequencies) * 2 ** (level - 1)
        return np.where((radius > 1 / 4) & (radius <= 1), np.cos(math.pi / 2 * np.log2(2 * radius)), 0)
    return transfer


def riesz(options: Options) -> Transfer:
    """Return the Riesz transform of the orders along x, y, z that `riesz` names; without it, what changes nothing."""
    order = options.get("riesz", [0, 0, 0])[::-1]
    total = sum(order)
    weight = (-1j) ** total * math.sqrt(math.factorial(total) / math.prod(map(math.factorial, order)))

    def transfer(frequencies: list[np.ndarray]) -> np.ndarray:
        powers = [along**power for along, power in zip(frequencies, order, strict=True)]
        return weight * functools.reduce(np.multiply, powers) / _radius(frequencies) ** total
    return transfer if total else lambda frequencies: np.ones(1)


# Gabor filters.

def gabor_image(region: Region, sigma: float, options: Options) -> np.ndarray:
    """Pool the moduli of the responses at all angles and in all planes; sigma and wavelength are in mm."""
    axes = filtered_axes(options)
    planes = itertools.combinations(axes, 2) if options.get("rotationInvariant", True) else [axes[-2:]]
    return _pool(((_in_plane(region, plane, sigma, options), 1) for plane in planes), options.get("pooling", "mean"))


def _in_plane(region: Region, plane: tuple[int, ...], sigma: float, options: Options) -> np.ndarray:
    kernels = gabor_kernels([region.spacing[axis] for axis in plane], sigma, options)
    reach = {axis: width // 2 for axis, width in zip(plane, kernels[0].shape, strict=True)}
    stack = np.moveaxis(surroundings(region, reach, options.get("boundary", "mirror")), plane, (1, 2))
    size = [_fast(width) for width in stack.shape[1:]]
    cut = tuple(slice(2 * far, width) for far, width in zip(reach.values(), stack.shape[1:], strict=True))
    transfers = [np.fft.fft2(kernel, s=size) for kernel in kernels]
    pooled_planes = [_pool(_moduli(np.fft.fft2(one, s=size), transfers, cut), options.get("pooling", "mean"))
                     for one in stack]
    return np.ascontiguousarray(np.moveaxis(np.stack(pooled_planes), (1, 2), plane))


def _moduli(spectrum: np.ndarray, transfers: list[np.ndarray], cut: tuple[slice, ...]
            ) -> Iterator[tuple[np.ndarray, int]]:
    for transfer in transfers:
        yield np.abs(np.fft.ifft2(spectrum * transfer)[cut]), 1


def gabor_kernels(spacing: Sequence[float], sigma: float, options: Options) -> list[np.ndarray]:
    """Return waves under a bell, one for each angle that a rotation invariant filter pools, or the angle asked for."""
    gamma = options.get("gaborGamma", 1.0)
    degrees = np.arange(0, 360, options.get("gaborThetaStep", 45.0)) % 180  # the modulus is equal half a turn later
    angles = np.unique(degrees) if options.get("rotationInvariant", True) else [options.get("gaborTheta", 0.0)]
    far = [math.ceil(REACH_OF_GABOR * sigma * max(1, 1 / gamma) / width) for width in spacing]
    y, x = np.meshgrid(*(np.arange(-reach, reach + 1) * width for reach, width in zip(far, spacing, strict=True)),
                       indexing="ij")
    return [_wave(x * math.cos(angle) + y * math.sin(angle), gamma * (y * math.cos(angle) - x * math.sin(angle)),
                  sigma, options["gaborWavelength"]) for angle in np.radians(angles)]


def _wave(along: np.ndarray, across: np.ndarray, sigma: float, length: float) -> np.ndarray:
    wave: np.ndarray = np.exp(-(along**2 + across**2) / (2 * sigma**2) + 2j * math.pi * along / length)
    return wave


def _fast(size: int) -> int:
    """Return the next size that is a product of small primes, which Fourier transforms like."""
    return next(n for n in itertools.count(size) if not _rest(n) > 1)


def _rest(n: int) -> int:
    for prime in (2, 3, 5):
        while n % prime == 0:
            n //= prime
    return n
