"""Losses of next-item prediction. T: targets, N: negatives, D: dimension, I: items.

A full softmax compares a target with every item. On large catalogues a sample of negatives stands
for them; each loss here corrects for it, because uncorrected samples make the scores of popular
items too low and those of all targets overconfident.
"""

from typing import Any

from similarity.encoders.weights import package


def full_softmax(queries: Any, vectors: Any, targets: Any, smoothing: float = 0.0) -> Any:
    """Return the mean cross entropy of ``targets`` (T,) among all items.

    ``queries`` (T, D), ``vectors`` (I, D). ``smoothing``: share of a target that is spread over
    all items.
    """
    return package("torch.nn.functional").cross_entropy(
        queries @ vectors.T, targets, label_smoothing=smoothing
    )


def sampled_softmax(
    queries: Any,
    positives: Any,
    negatives: Any,
    targets: Any,
    sampled: Any,
    expected: Any,
) -> Any:
    """Return the mean cross entropy of the targets among themselves and the sampled negatives.

    ``queries`` and ``positives`` (T, D), ``negatives`` (N, D). ``targets`` (T,) and ``sampled``
    (N,): the items of their rows. ``expected`` (N,): how often the sampler draws that item on
    average. The logarithm of it is subtracted from the negative's score, so that the sum over the
    negatives estimates the sum over all other items without bias. The positive is always there, so
    it is not corrected (Khrylchenko et al. 2025).
    """
    torch = package("torch")
    agreement = (queries * positives).sum(dim=1, keepdim=True)  # (T, 1)
    others = queries @ negatives.T - expected.log()  # (T, N)
    others = others.masked_fill(sampled == targets[:, None], float("-inf"))
    # For a target that is among all negatives only itself is left, which costs nothing.
    return (torch.logsumexp(torch.cat([agreement, others], dim=1), dim=1) - agreement[:, 0]).mean()


def generalised_bce(
    queries: Any,
    positives: Any,
    negatives: Any,
    targets: Any,
    sampled: Any,
    items: int,
    calibration: float,
) -> Any:
    """Return the mean gBCE of the targets against N uniform negatives (Petrov, Macdonald 2023).

    ``calibration``: 0 is plain binary cross entropy, whose probabilities are too high by the share
    of negatives; 1 makes them unbiased.
    """
    functional = package("torch.nn.functional")
    share = negatives.shape[0] / max(items - 1, 1)
    power = share * (calibration * (1 - 1 / share) + 1 / share)
    agreement = (queries * positives).sum(dim=1)  # (T,)
    others = queries @ negatives.T  # (T, N)
    costs = functional.softplus(others).masked_fill(sampled == targets[:, None], 0.0)
    return (power * functional.softplus(-agreement) + costs.sum(dim=1)).mean()
