"""Windows as points on a map: what is alike lies together, so many can be named at once.

PCA keeps the directions of greatest spread; LDA those that part the classes best, where some windows have labels;
t-SNE keeps neighbours together and nothing else (distances between its islands mean nothing). Groups are found by
k-means on the principal components, not on the map, so they do not follow what a map distorts.
"""

from dataclasses import dataclass

import numpy as np

from studio.data.stream import Floats
from studio.errors import DataError
from studio.learn.propose.frames import Reals
from studio.learn.propose.windows import standardized
from studio.learn.split import Ints
from studio.params import check, param
from studio.progress import Progress, Work

WAYS = ("PCA", "LDA", "t-SNE")
#: Directions that groups and t-SNE see.
COMPONENTS = 20
#: Beyond this many windows t-SNE takes minutes; a thinner map shows the same.
MOST_TSNE = 6000
#: So many groups at most are looked for, among so many windows drawn at random.
MOST_GROUPS, FEW = 12, 1000


@dataclass(frozen=True)
class MapSettings:
    """How the map is drawn."""

    way: str = param("PCA", "Greatest spread, best parted classes, or neighbours kept together.", choices=WAYS)
    window_s: float = param(1.0, "Length of a window.", unit="s", low=0.02, high=60.0)
    stride_s: float = param(0.5, "Time between windows.", unit="s", low=0.01, high=60.0)
    groups: int = param(0, "Groups to look for; 0: as many as part best.", low=0, high=50)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points (n, 2) in [0, 1], the group of each (n,), and which of the windows they are (n,): all without a gap."""

    points: Floats
    group: Ints
    kept: Ints


def drawn(x: Floats, y: Ints, settings: MapSettings, seed: int = 0) -> Work[Drawn]:
    """Windows with features x (n, n_features) and classes y (n,), -1 unlabelled, on the map.

    Raises DataError when there are too few windows, or for LDA too few classes.
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    kept = np.flatnonzero(np.isfinite(x).all(axis=1)).astype(np.int64)
    if len(kept) < 4:
        seen = f"only {len(kept)} whole windows"
        raise DataError("Map", seen, "Choose a shorter window, or a longer recording.")
    if settings.way == "t-SNE" and len(kept) > MOST_TSNE:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, MOST_TSNE).astype(int))]
    yield Progress(0, 3, "principal components")
    even = standardized(x[kept])
    wide = PCA(min(COMPONENTS, *even.shape), random_state=seed).fit_transform(even)
    yield Progress(1, 3, "looking for groups")
    with threadpool_limits(1):  # so little work is not worth threads that wait for each other
        group = grouped(wide, settings.groups, seed)
    yield Progress(2, 3, f"drawing {len(kept)} windows")
    with threadpool_limits(1):
        return Drawn(_placed(_flat(even, wide, y[kept], settings.way, seed)), group, kept)


def _flat(even: Reals, wide: Reals, y: Ints, way: str, seed: int) -> Reals:
    """Two numbers per window."""
    if way == "LDA":
        return _parted(even, y)
    if way == "t-SNE":
        from sklearn.manifold import TSNE

        near = float(min(30, max(2, (len(wide) - 1) // 3)))
        made: Reals = TSNE(2, perplexity=near, init="pca", random_state=seed, n_jobs=1).fit_transform(wide)
        return made
    return wide[:, :2] if wide.shape[1] > 1 else np.c_[wide[:, 0], np.zeros(len(wide))]


def _parted(even: Reals, y: Ints) -> Reals:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    known = y >= 0
    if len(np.unique(y[known])) < 2:
        seen = "needs labels of two classes or more in view"
        raise DataError("Linear discriminants", seen, "Label a few of each, or choose another map.")
    flat = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(even[known], y[known]).transform(even)
    return np.asarray(flat[:, :2] if flat.shape[1] > 1 else np.c_[flat[:, 0], even @ _spare(even)], np.float64)


def _spare(even: Reals) -> Reals:
    """With two classes there is one discriminant; the direction of greatest spread is the other axis."""
    _, _, directions = np.linalg.svd(even - even.mean(axis=0), full_matrices=False)
    found: Reals = directions[0]
    return found


def _placed(flat: Reals) -> Floats:
    """In [0, 1] by the middle 99 percent, so that one odd window does not shrink the rest."""
    low, high = np.percentile(flat, [0.5, 99.5], axis=0)
    placed: Floats = np.clip((flat - low) / np.maximum(high - low, 1e-12), -0.02, 1.02).astype(np.float32)
    return placed


def grouped(wide: Reals, n: int, seed: int) -> Ints:
    """The group of each window: n of them, or as many as lie apart best (by silhouette)."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    few = wide[np.random.default_rng(seed).permutation(len(wide))[:FEW]]
    sizes = [min(n, len(few))] if n else list(range(2, min(MOST_GROUPS, len(few) - 1) + 1))
    best, best_score = None, -2.0
    for size in sizes:
        model = KMeans(size, n_init=3, random_state=seed).fit(few)
        several = 1 < len(np.unique(model.labels_)) < len(few)
        score = float(silhouette_score(few, model.labels_)) if several and not n else -1.0
        if score > best_score:
            best, best_score = model, score
    return np.zeros(len(wide), np.int64) if best is None else np.asarray(best.predict(wide), np.int64)
