"""How disentangled codes are: whether each known factor of an image has a latent variable of its own.

`codes` are [N, L], posterior means; `factors` [N, F] are the numbers of the factors' values, from 0.
"""

import numpy as np

from bench.metrics.types import Blank, Measured

BINS = 20  # of each latent variable
VOTES, JUDGED, BATCH = 10_000, 5_000, 64  # that make the classifier, that it is judged by, images of each
_AT_ONCE = 200


def mutual_information_gap(codes: np.ndarray, factors: np.ndarray) -> Measured:
    r"""Return the mutual information gap, from 0 to 1.

    .. math:: \frac1F \sum_k \frac{1}{H(v_k)} [I(z_{j_k}; v_k) - \max_{j \ne j_k} I(z_j; v_k)], \quad
        j_k = \arg\max_j I(z_j; v_k)

    Source: Eq. 6 of Chen et al. 2018; each I is that of a histogram of posterior means, 20 equal bins a variable, as
    Locatello et al. 2019 take it. Raises Blank for codes of one number.
    """
    from sklearn.metrics import mutual_info_score

    binned = [np.digitize(z, np.histogram_bin_edges(z, BINS)[:-1]) for z in codes.T]
    information = [[mutual_info_score(v, z) for v in factors.T] for z in binned]
    entropies = [mutual_info_score(v, v) for v in factors.T]
    return _mean_gap(np.array(information) / entropies, len(codes))


def attribute_predictability(codes: np.ndarray, factors: np.ndarray, ordered: np.ndarray) -> Measured:
    r"""Return the separated attribute predictability (SAP), from 0 to 1.

    .. math:: \frac1F \sum_k [S_{j_k k} - \max_{j \ne j_k} S_{jk}], \quad
        S_{jk} = \Bigl(\frac{Cov(z_j, v_k)}{\sigma_{z_j} \sigma_{v_k}}\Bigr)^2, \quad j_k = \arg\max_j S_{jk}

    Source: Section 3 of Kumar et al. 2018. Of categories S is the balanced accuracy of thresholds on z_j that are set
    on the same images. ordered: [F], whether a factor is an amount. Raises Blank for codes of one number.
    """
    columns = zip(factors.T, ordered, strict=True)
    scores = [[_correlation(z, v) if amount else _told_apart(z, v) for z in codes.T] for v, amount in columns]
    return _mean_gap(np.array(scores).T, len(codes))


def factor_vae_score(codes: np.ndarray, factors: np.ndarray, *, rng: np.random.Generator) -> Measured:
    r"""Return the FactorVAE score in percent, with its binomial standard error.

    .. math:: \frac{1}{M} \sum_j \max_k V_{jk}, \quad
        V_{jk} = \#\{k_m = k, \ \arg\min_j Var(z_j / s_j \mid v_{k_m} = c) = j\}

    Source: Section 2 of Kim and Mnih 2018. A vote fixes a random factor k_m, draws 64 images that share its value, and
    names the variable that varies least among them, in units of its deviation s_j over all images. 10,000 votes say
    which factor each variable stands for; the score is the share of 5,000 others that it is right for. Raises Blank
    where no variable varies.
    """
    spread = codes.std(axis=0, ddof=1, dtype=np.float64)
    if not (moving := spread > 0).any():
        raise Blank("no latent variable varies")
    scaled = codes[:, moving] / spread[moving]
    factor_of = _votes(scaled, factors, VOTES, rng).argmax(axis=0)  # [L]
    judged = _votes(scaled, factors, JUDGED, rng)
    share = float(judged[factor_of, np.arange(len(factor_of))].sum()) / JUDGED
    return Measured(100 * share, 100 * float(np.sqrt(share * (1 - share) / JUDGED)), JUDGED)


def disentanglement(importances: np.ndarray) -> Measured:
    r"""Return the D of DCI, from 0 to 1: whether a latent variable is important for one factor alone.

    .. math:: D = \sum_i \rho_i (1 + \sum_k P_{ik} \log_F P_{ik}), \quad P_{ik} = \frac{R_{ik}}{\sum_k R_{ik}}, \quad
        \rho_i = \frac{\sum_k R_{ik}}{\sum_{ik} R_{ik}}

    Source: Section 2 of Eastwood and Williams 2018. importances: R [L, F]; raises Blank where all of it is 0.
    """
    return Measured(_concentration(importances))


def completeness(importances: np.ndarray) -> Measured:
    r"""Return the C of DCI, from 0 to 1: whether one latent variable alone is important for a factor.

    .. math:: C = \sum_k \rho_k (1 + \sum_i P_{ik} \log_L P_{ik}), \quad P_{ik} = \frac{R_{ik}}{\sum_i R_{ik}}, \quad
        \rho_k = \frac{\sum_i R_{ik}}{\sum_{ik} R_{ik}}

    Source: the same; importances: R [L, F]. Raises Blank where all of it is 0, and for codes of one number.
    """
    return Measured(_concentration(importances.T))


def informativeness(read: np.ndarray) -> Measured:
    """Return the I of DCI in percent: the share of factors whose value is read right from a code, with its error.

    Source: the same, with accuracies for errors, as Locatello et al. 2019 take it. read: bool [n, F].
    """
    of_image = 100 * read.mean(axis=1)
    return Measured(float(of_image.mean()), float(of_image.std(ddof=1) / np.sqrt(len(read))), len(read))


def _mean_gap(scores: np.ndarray, n: int) -> Measured:
    """Return the mean over factors of the best score less the second best: [L, F]."""
    if len(scores) < 2:
        raise Blank("a code of one number has no second best")
    second, best = np.sort(scores, axis=0)[-2:]
    return Measured(float((best - second).mean()), None, n)


def _correlation(z: np.ndarray, v: np.ndarray) -> float:
    """Return the squared correlation; 0 of a variable that does not vary."""
    return float(np.corrcoef(z, v)[0, 1] ** 2) if z.std() > 0 else 0.0


def _told_apart(z: np.ndarray, v: np.ndarray) -> float:
    """Return the balanced accuracy of as many thresholds as tell the categories apart."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=len(np.unique(v)), class_weight="balanced", random_state=0)
    return float(balanced_accuracy_score(v, tree.fit(z[:, None], v).predict(z[:, None])))


def _votes(scaled: np.ndarray, factors: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each variable varied least with each factor fixed: [F, L]."""
    votes = np.zeros((factors.shape[1], scaled.shape[1]), np.int64)
    fixed = np.bincount(rng.integers(len(votes), size=n), minlength=len(votes))
    for k, count in enumerate(fixed):
        by_value, sizes = np.argsort(factors[:, k], kind="stable"), np.bincount(factors[:, k])
        first, values = np.cumsum(sizes) - sizes, factors[rng.integers(len(factors), size=count), k]
        for value in np.split(values, range(_AT_ONCE, count, _AT_ONCE)):
            place = first[value, None] + rng.integers(sizes[value, None], size=(len(value), BATCH))
            least = scaled[by_value[place]].var(axis=1).argmin(axis=1)  # of [V, BATCH, L]
            votes[k] += np.bincount(least, minlength=votes.shape[1])
    return votes


def _concentration(importances: np.ndarray) -> float:
    """Return 1 less the entropy of each row in units of the largest, rows weighted by their sums: [A, B]."""
    from scipy.special import entr

    rows, total = importances.sum(axis=1), importances.sum()
    if importances.shape[1] < 2:
        raise Blank("a code of one number is complete by itself")
    if total == 0:
        raise Blank("no latent variable tells of a factor")
    p = importances[rows > 0] / rows[rows > 0, None]
    return float((rows[rows > 0] / total) @ (1 - entr(p).sum(axis=1) / np.log(p.shape[1])))
