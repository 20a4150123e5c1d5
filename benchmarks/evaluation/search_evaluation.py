"""Evaluate search: rankings of judged queries by words, by meaning, by both, and by peers.

There are two protocols, whose figures cannot be compared. *Judged list*: each query ranks the
products that were judged for it, as in published figures of ESCI. *Full corpus*: each query ranks
all products, and an unjudged product counts as irrelevant.

The rankings by words come from :mod:`similarity.search`, over temporary tables with the same SQL.
Vectors are in the reduced space of the fusion, as they are stored. The weight of words is chosen on
four fifths of the queries and judged on the remaining fifth, five times. No query is therefore
judged by a weight that was chosen on it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.evaluation.rank_metrics import (
    EXPONENTIAL,
    OFFICIAL,
    ndcg,
    recall,
    reciprocal_rank,
)
from benchmarks.evaluation.reranked_rows import reranked_rows
from benchmarks.evaluation.scratch_index import positions, scratch_index, scratch_within
from benchmarks.evaluation.search_datasets import (
    JudgedQuery,
    SearchDataset,
    load_search_dataset,
)
from benchmarks.evaluation.search_peers import Scorer, scorers
from similarity import conf
from similarity.catalog import wording
from similarity.encoders.fusion import Fusion
from similarity.encoders.registry import get_encoders
from similarity.encoders.text import TransformerTextEncoder
from similarity.exceptions import ConfigurationError
from similarity.search import hybrid, lexical, query_floors, ranking, resolved_query
from similarity.search.meaning import NEIGHBOURS, RESCORED
from similarity.training.vector_cache import VectorCache

FloatArray = npt.NDArray[np.float32]

DEPTH = 200
FOLDS = 5
WEIGHTS = tuple(round(0.05 * step, 2) for step in range(4, 20))


#: Position of a product → its score, above 0.
Scores = Mapping[int, float]


class Rankings(NamedTuple):
    """Per query, positions of products best first: of judged products, and of all products."""

    judged: Sequence[Sequence[int]]
    full: Sequence[Sequence[int]]


class Holding(NamedTuple):
    """Products with words of a query, in search order: lexical scores, and each product's share.

    The share is the part of the query that the product holds.
    """

    scores: Scores
    held: Scores


class Words(NamedTuple):
    """The holdings per query, of judged products and of all products."""

    judged: Sequence[Holding]
    full: Sequence[Holding]


@dataclass(frozen=True)
class Row:
    """Means over the queries; each is 0 to 1, higher is better."""

    name: str
    judged_ndcg: float
    judged_ndcg_exponential: float
    full_ndcg: float
    recall: float
    reciprocal_rank: float
    #: The share of judged answers that is exact or a substitute; None if only the rank defines an
    #: answer.
    good: float | None = None


@dataclass
class SearchReport:
    """A row for each ranking, and the choice of the fusion in each fold."""

    dataset: str
    queries: int
    products: int
    rows: list[Row] = field(default_factory=list)
    chosen: list[float] = field(default_factory=list)
    #: The lowest cosine of a near product, learned on the data set.
    floor: float = 0.0

    def text(self) -> str:
        heads = ("judged list", "", "full corpus", "", "", "answers")
        names = ("NDCG@10", "exponential", "NDCG@10", "recall@50", "MRR", "E or S")
        lines = [
            f"{self.dataset}: {self.queries} queries, {self.products} products",
            f"{'':<34}" + "".join(f"{head:>13}" for head in heads),
            f"{'':<34}" + "".join(f"{name:>13}" for name in names),
        ]
        for row in self.rows:
            figures = (
                row.judged_ndcg,
                row.judged_ndcg_exponential,
                row.full_ndcg,
                row.recall,
                row.reciprocal_rank,
                *([] if row.good is None else [row.good]),
            )
            lines.append(f"{row.name:<34}" + "".join(f"{figure:>13.4f}" for figure in figures))
        lines.append(f"floor of the cosine, learned here: {self.floor:.4f}")
        if self.chosen:
            told = ", ".join(f"{weight:g}" for weight in self.chosen)
            lines.append(f"weight of words chosen in each fold: {told}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "queries": self.queries,
            "products": self.products,
            "rows": [asdict(row) for row in self.rows],
            "chosen": self.chosen,
            "floor": self.floor,
        }


def run(dataset: str | None, data_dir: Path, cache: Path, limit: int | None) -> SearchReport:
    """Evaluate on ``dataset`` (default: esci) with its first ``limit`` queries.

    Vectors are kept in ``cache``. The database is unchanged afterwards.
    """
    data = load_search_dataset(dataset or "esci", data_dir, limit)
    report = SearchReport(data.name, len(data.queries), len(data.contents))

    def add(name: str, ranked: Rankings, answers: Sequence[Sequence[int]] | None = None) -> None:
        report.rows.append(judge(name, ranked, data.queries, answers))

    hosts = {}
    for name, scorer in scorers(data, cache):
        hosts[name] = by_scores(scorer, data.queries)
        add(name, hosts[name])
    words = by_words(data)
    cosines, report.floor = cosines_of(data, cache)
    add("words", ranked_words(words, data.queries), [matches(one.held) for one in words.full])
    nearest = by_scores(lambda number: cosines[number], data.queries)
    add("vector", nearest, [one[:NEIGHBOURS] for one in nearest.full])
    near = [
        [one for one in found[:NEIGHBOURS] if cosines[number, one] >= report.floor]
        for number, found in enumerate(nearest.full)
    ]
    add("vector, above the floor", Rankings(nearest.judged, near), near)
    add("reciprocal ranks", by_ranks(words, cosines, data.queries))
    hosts["hybrid"] = blended(words, cosines, data.queries, hybrid.WEIGHT, report.floor)
    add("hybrid, as served", hosts["hybrid"], hosts["hybrid"].full)
    report.chosen, held_out = cross_validated(words, cosines, data.queries, report.floor)
    add("hybrid, cross-validated", held_out)
    for name in (next(iter(hosts)), "hybrid"):
        order, parts = hosts[name], folds(len(data.queries))
        for row in reranked_rows(name.split(",")[0], data, cosines, *order, parts):
            add(row.name, Rankings(row.judged, row.full))
    return report


def judge(
    name: str,
    ranked: Rankings,
    queries: Sequence[JudgedQuery],
    answers: Sequence[Sequence[int]] | None = None,
) -> Row:
    """Return means over the queries.

    ``answers`` are the shown products per query, unless the rank alone defines them.
    """

    def mean(metric: Callable[..., float], lists: Sequence[Sequence[int]], *more: Any) -> float:
        values = [metric(one, q.labels, *more) for one, q in zip(lists, queries, strict=True)]
        return float(np.mean(values))

    return Row(
        name,
        judged_ndcg=mean(ndcg, ranked.judged, OFFICIAL),
        judged_ndcg_exponential=mean(ndcg, ranked.judged, EXPONENTIAL),
        full_ndcg=mean(ndcg, ranked.full, OFFICIAL),
        recall=mean(recall, ranked.full),
        reciprocal_rank=mean(reciprocal_rank, ranked.full),
        good=None if answers is None else _good(answers, queries),
    )


def _good(answers: Sequence[Sequence[int]], queries: Sequence[JudgedQuery]) -> float:
    """Return the share of judged answers that is exact or a substitute."""
    labels = [
        query.labels[one]
        for found, query in zip(answers, queries, strict=True)
        for one in found
        if one in query.labels
    ]
    return float(np.mean([label in "ES" for label in labels])) if labels else 0.0


def by_words(data: SearchDataset) -> Words:
    """Return the scores of search without vectors, with corrected spelling."""
    judged, full = [], []
    with scratch_index(data.contents) as using:
        for query in data.queries:
            read = resolved_query.resolve_query(query.text, scratch_within(using))
            found = ranking.by_words(read.query, scratch_within(using)).found
            full.append(_holding(found, data))
            among = scratch_within(using, sorted(query.labels))
            judged.append(_holding(lexical.best(read.query, among, "any", DEPTH)[0], data))
    return Words(judged, full)


def ranked_words(words: Words, queries: Sequence[JudgedQuery]) -> Rankings:
    """Return rankings by words only; judged products without words come last, in data set order."""
    judged = [
        [*one.scores, *(at for at in sorted(query.labels) if at not in one.scores)]
        for one, query in zip(words.judged, queries, strict=True)
    ]
    return Rankings(judged, [list(one.scores) for one in words.full])


def by_scores(scorer: Scorer, queries: Sequence[JudgedQuery]) -> Rankings:
    """Return products by falling score; ties in the order of the data set."""
    judged, full = [], []
    for number, query in enumerate(queries):
        scores = scorer(number)
        full.append([int(one) for one in np.argsort(-scores, kind="stable")[:DEPTH]])
        among = np.array(sorted(query.labels))
        judged.append([int(one) for one in among[np.argsort(-scores[among], kind="stable")]])
    return Rankings(judged, full)


def cosines_of(data: SearchDataset, cache: Path) -> tuple[FloatArray, float]:
    """Return cosines (Q, N) float32 of queries and products, and the floor learned there.

    The cosines are in the space of stored text vectors.
    """
    encoder = get_encoders()["text"]
    if not isinstance(encoder, TransformerTextEncoder):
        raise ConfigurationError(
            f"The text encoder is {encoder.signature!r}, which encodes no queries; evaluate with "
            "similarity.encoders.text.TransformerTextEncoder in SIMILARITY['ENCODERS']."
        )
    with tqdm(total=len(data.contents), desc="products", unit="", disable=None) as bar:
        rows = VectorCache(cache).encode({"text": encoder}, data.contents, bar.update)["text"]
    fusion = Fusion.fit({"text": rows}, {"text": 1.0}, conf.dimensions())
    products = fusion.project("text", rows.vectors)
    spoken = {word for content in data.contents for word in wording.words_of(content.title)}
    made = query_floors.nonsense(sorted(spoken), query_floors.PROBES)
    asked = encoder.encode_texts([*(query.text for query in data.queries), *made])
    placed = fusion.project("text", asked.vectors)
    queries, probes = placed[: len(data.queries)], placed[len(data.queries) :]
    floor = query_floors.floor(probes, products, len(products))
    return np.asarray(queries @ products.T, np.float32), floor


def blended(
    words: Words, cosines: FloatArray, queries: Sequence[JudgedQuery], weight: float, floor: float
) -> Rankings:
    """Return the served order: matches by words, then related products.

    RESCORED of the products with words get their cosine. NEIGHBOURS are added if they lie above the
    floor.
    """
    judged, full = [], []
    for number, query in enumerate(queries):
        near = {one: float(cosines[number, one]) for one in sorted(query.labels)}
        scores = hybrid.blend(words.judged[number].scores, near, weight)
        first = served(scores, words.judged[number].held, near, floor)
        judged.append([*first, *(one for one in scores if one not in set(first))])
        nearest = [int(one) for one in np.argsort(-cosines[number], kind="stable")[:NEIGHBOURS]]
        nearest = [one for one in nearest if cosines[number, one] >= floor]
        looked_up = [*nearest, *list(words.full[number].scores)[:RESCORED]]
        near = {one: float(cosines[number, one]) for one in looked_up}
        scores = hybrid.blend(words.full[number].scores, near, weight)
        full.append(served(scores, words.full[number].held, near, floor))
    return Rankings(judged, full)


def served(scores: Scores, held: Scores, near: Scores, floor: float) -> list[int]:
    """Return ``scores``, best first, in the parts of search: matches, then related products."""
    matching = set(matches(held))

    def is_related(one: int) -> bool:
        share = held.get(one, 0.0)
        return lexical.is_enough(share) or near.get(one, -1.0) >= lexical.least_cosine(floor, share)

    related = [one for one in scores if one not in matching and is_related(one)]
    return [*(one for one in scores if one in matching), *related]


def matches(held: Scores) -> list[int]:
    """Return products with every word; if there are none, products with enough words."""
    every = [one for one, share in held.items() if share > 1 - 1e-4]
    return every or [one for one, share in held.items() if lexical.is_enough(share)]


def by_ranks(words: Words, cosines: FloatArray, queries: Sequence[JudgedQuery]) -> Rankings:
    """Return both by reciprocal-rank fusion with equal weights."""
    first = ranked_words(words, queries)
    second = by_scores(lambda number: cosines[number], queries)

    def both(one: Sequence[int], other: Sequence[int]) -> list[int]:
        return list(hybrid.fuse([(1.0, one), (1.0, other)]))

    return Rankings(
        [both(*lists) for lists in zip(first.judged, second.judged, strict=True)],
        [both(one, other[:NEIGHBOURS]) for one, other in zip(first.full, second.full, strict=True)],
    )


def cross_validated(
    words: Words, cosines: FloatArray, queries: Sequence[JudgedQuery], floor: float
) -> tuple[list[float], Rankings]:
    """Return (weight of words in each fold, rankings by the weight chosen on other queries)."""
    trials = {weight: blended(words, cosines, queries, weight, floor) for weight in WEIGHTS}
    worth = {weight: _worth(ranked, queries) for weight, ranked in trials.items()}
    chosen: list[float] = []
    judged: list[Sequence[int]] = [()] * len(queries)
    full: list[Sequence[int]] = [()] * len(queries)
    for kept, left in folds(len(queries)):
        best = max(trials, key=lambda weight: float(worth[weight][kept].mean()))
        chosen.append(best)
        for number in left:
            judged[number] = trials[best].judged[number]
            full[number] = trials[best].full[number]
    return chosen, Rankings(judged, full)


def folds(count: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (queries to choose on, queries to judge) of each fold; every query is judged once."""
    order = np.random.default_rng(7).permutation(count)
    for fold in range(min(FOLDS, count)):
        left = [int(number) for number in order[fold::FOLDS]]
        yield [number for number in range(count) if number not in set(left)], left


def _worth(ranked: Rankings, queries: Sequence[JudgedQuery]) -> Any:
    """Return float (Q,) to maximise, with equal weight of both protocols."""
    return np.array(
        [
            ndcg(judged, query.labels, OFFICIAL)
            + ndcg(full, query.labels, OFFICIAL)
            + recall(full, query.labels)
            for judged, full, query in zip(ranked.judged, ranked.full, queries, strict=True)
        ]
    )


def _holding(found: Sequence[Any], data: SearchDataset) -> Holding:
    at = positions((one.key for one in found), len(data.contents))
    together = list(zip(at, found, strict=True))
    return Holding(
        {position: one.score for position, one in together},
        {position: one.held for position, one in together},
    )
