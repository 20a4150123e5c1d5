"""Recommenders of other libraries, fitted on the same baskets and tested with the same carts."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.evaluation.hidden_items import Recommender
from similarity.encoders.weights import package

#: Neighbours kept per item; the libraries' default comes first.
NEIGHBOURS = (20, 100, 500)

#: Minimum support and confidence of rules, and their maximum number of items.
RULE_SUPPORT, RULE_CONFIDENCE, RULE_ITEMS = 0.005, 0.05, 3

#: (train csr (baskets, items), neighbours) → its recommender
Fit = Callable[[Any, int], Recommender]


def summed(similarity: Any) -> Recommender:
    """Return a recommender that sums the rows of ``similarity`` csr (I, I) of a cart's items."""
    return lambda carts: (carts @ similarity).toarray()


def implicit(name: str) -> Fit:
    def fit(train: Any, neighbours: int) -> Recommender:
        made = getattr(package("implicit.nearest_neighbours"), name)(K=neighbours)
        with warnings.catch_warnings():
            # The library warns about its own conversions.
            warnings.simplefilter("ignore", package("implicit.utils").ParameterWarning)
            made.fit(train, show_progress=False)
        return summed(made.similarity)

    return fit


def rusket(method: str) -> Fit:
    def fit(train: Any, neighbours: int) -> Recommender:
        from scipy import sparse

        model = package("rusket").ItemKNN(method=method, k=neighbours).fit(train.copy())
        shape = (train.shape[1], train.shape[1])
        return summed(sparse.csr_matrix((model.w_data, model.w_indices, model.w_indptr), shape))

    return fit


def rules(train: Any, neighbours: int) -> Recommender:
    """Return association rules by FP-growth: the most confident rules whose left side the cart
    holds.
    """
    from scipy import sparse

    library = package("rusket")
    frame = package("pandas").DataFrame.sparse.from_spmatrix(train.astype(bool))
    itemsets = library.fpgrowth(
        frame, min_support=RULE_SUPPORT, use_colnames=False, max_len=RULE_ITEMS
    )
    found = library.association_rules(
        itemsets, num_itemsets=train.shape[0], min_threshold=RULE_CONFIDENCE
    )
    found = found[found["consequents"].map(len) == 1]
    left = [sorted(map(int, one)) for one in found["antecedents"]]
    right = np.array([int(next(iter(one))) for one in found["consequents"]], np.int64)
    sure = found["confidence"].to_numpy(np.float64)
    ends = np.cumsum([0, *map(len, left)])
    items = np.array([item for one in left for item in one], np.int64)
    sides = sparse.csr_matrix((np.ones(len(items)), items, ends), (len(left), train.shape[1]))
    needed = np.diff(ends)

    def recommend(carts: Any) -> Any:
        scores = np.zeros(carts.shape)
        held = (carts @ sides.T).tocoo()
        fires = held.data == needed[held.col]
        np.maximum.at(scores, (held.row[fires], right[held.col[fires]]), sure[held.col[fires]])
        return scores

    return recommend


PEERS: Mapping[str, Fit] = {
    "implicit cosine": implicit("CosineRecommender"),
    "implicit TF-IDF": implicit("TFIDFRecommender"),
    "implicit BM25": implicit("BM25Recommender"),
    "rusket item-kNN BM25": rusket("bm25"),
    "rusket item-kNN cosine": rusket("cosine"),
    "rusket rules": rules,
}
