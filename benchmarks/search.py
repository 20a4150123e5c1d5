"""Measure ``search`` and ``suggest`` over a large catalogue, with and without a query vector.

Builds a synthetic catalogue in its own database on the configured server, measures, and drops the
database:

    python benchmarks/search.py --products 100000

To measure a large catalogue repeatedly, keep it under a name (``--database``); the next run finds
it there.

The tables also show the mean number of statements that a page sends to the database. A query
without a known vector also waits for a worker, at most QUERY_TIMEOUT_MS; `benchmarks/rerank.py`
measures that. The last lines show how much of the first page of very common words equals a full
ranking without champion lists.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

from benchmarks.processes import use_demo_servers

use_demo_servers()

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Count  # noqa: E402

from benchmarks.machine import processor  # noqa: E402
from benchmarks.scratch import kept_database, own_database  # noqa: E402
from benchmarks.search_catalogue import (  # noqa: E402
    COLOURS,
    DIMENSION,
    KINDS,
    MATERIALS,
    STYLES,
    build,
)
from shop.models import Brand, Product  # noqa: E402
from similarity.catalog.adapter import get_adapter  # noqa: E402
from similarity.search import lexical, ranking, resolved_query, search, suggest  # noqa: E402
from similarity.search.models import SearchDocument, SearchLexeme  # noqa: E402
from similarity.similar.within import Within  # noqa: E402


def queries(count: int, seed: int) -> dict[str, list[str]]:
    """Return texts by type of query."""
    rng = np.random.default_rng(seed)

    def some(words: Sequence[str]) -> str:
        return words[int(rng.integers(len(words)))]

    skus = list(Product.objects.order_by("?").values_list("sku", flat=True)[:count])
    texts = list(Product.objects.order_by("?").values_list("description", flat=True)[:count])
    return {
        "one word": [some(KINDS) for _ in range(count)],
        "very common word": [some(common_words()) for _ in range(count)],
        "colour and kind": [f"{some(COLOURS)} {some(KINDS)}" for _ in range(count)],
        "four words": [
            f"{some(STYLES)} {some(MATERIALS)} {some(KINDS)} {some(COLOURS)}" for _ in range(count)
        ],
        "no product has all": [
            f"{some(KINDS)} {some(KINDS)} {some(COLOURS)} {some(text.split())}" for text in texts
        ],
        "misspelt": [f"{some(COLOURS)} {misspelt(some(KINDS), rng)}" for _ in range(count)],
        "SKU": skus,
        "words of descriptions": [" ".join(text.split()[:3]) for text in texts],
    }


def common_words() -> list[str]:
    """Return words that at least a tenth of all documents contain."""
    least = SearchDocument.objects.count() // 10
    lexemes = SearchLexeme.objects.filter(documents__gt=least).exclude(lexeme="")
    return list(lexemes.order_by("-documents").values_list("lexeme", flat=True))


def misspelt(word: str, rng: np.random.Generator) -> str:
    """Return the word with two neighbouring letters swapped."""
    at = int(rng.integers(1, len(word) - 1))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def prefixes(count: int, seed: int) -> dict[str, list[str]]:
    """Return the contents of the search box after some letters of a title."""
    rng = np.random.default_rng(seed)
    names = list(Product.objects.order_by("?").values_list("name", flat=True)[:count])
    cut = [(name, int(rng.integers(4, len(name)))) for name in names]
    return {
        "one letter": [name[:1] for name in names],
        "three letters": [name[:3] for name in names],
        "several words": [name[:at] for name, at in cut],
    }


def measure(call: Callable[[str], object], texts: Sequence[str]) -> str:
    """Return p50, p95 and maximum in milliseconds, and statements; each text is queried once."""
    times, sent = [], []

    def noted(execute: Callable[..., object], *statement: object) -> object:
        sent.append(statement)
        return execute(*statement)

    with connection.execute_wrapper(noted):
        for text in texts:
            started = time.perf_counter()
            call(text)
            times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times, [50, 95])
    return f"{p50:9.1f}{p95:9.1f}{max(times):9.1f}{len(sent) / len(texts):12.1f}"


def report(samples: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(64, DIMENSION)).astype(np.float32)
    near = [row / np.linalg.norm(row) for row in vectors]

    def hybrid(text: str, **options: object) -> object:
        return search(text, vector=near[hash(text) % len(near)], **options)  # type: ignore[arg-type]

    facets = ["colour", "category", "brand", "price"]
    narrow = Product.objects.filter(is_active=True, stock__gt=0, brand=brand_of_one_in(100))
    ways: dict[str, Callable[[str], object]] = {
        "words": lambda text: search(text, hybrid=False),
        "words and vector": hybrid,
        "with four facets": lambda text: hybrid(text, facets=facets),
        "by price": lambda text: hybrid(text, sort="price"),
        "one product in 100": lambda text: hybrid(text, within=narrow, facets=facets),
    }
    for text in ("shirt", "navy lamp"):  # exclude connections and imports
        hybrid(text, facets=facets)
        suggest(text)
    print(f"\n{'search, ms':<46}{'p50':>9}{'p95':>9}{'longest':>9}{'statements':>12}")
    for kind, texts in queries(samples, seed).items():
        for way, call in ways.items():
            print(f"{kind:<24}{way:<22}{measure(call, texts)}", flush=True)
    print(f"\n{'suggest, ms':<46}{'p50':>9}{'p95':>9}{'longest':>9}{'statements':>12}")
    for kind, texts in prefixes(samples, seed).items():
        print(f"{kind:<46}{measure(suggest, texts)}", flush=True)


def agreement(samples: int, seed: int) -> None:
    """Print how much of the first page equals a ranking of every matching product."""
    rng = np.random.default_rng(seed)
    words = common_words()[:12]
    by_lists: list[bool] = []
    listed = lexical._champions
    print(f"\n{'the first 24, also by a full ranking':<40}{'by lists':>12}{'mean':>9}{'least':>9}")
    for count in (1, 2, 3):
        by_lists.clear()
        shares = []
        for _ in range(samples):
            text = " ".join(words[int(at)] for at in rng.choice(len(words), count, replace=False))
            with patch.object(
                lexical, "_champions", lambda *a: by_lists.append(True) or listed(*a)
            ):
                quick = first_page(text)
            full = first_page(text, scored=10**9)
            shares.append(len(quick & full) / max(len(full), 1))
        used = f"{len(by_lists)} of {samples}"
        kind = f"{count} of the most common words"
        print(f"{kind:<40}{used:>12}{np.mean(shares):9.3f}{min(shares):9.3f}", flush=True)


def first_page(text: str, scored: int | None = None) -> set[str]:
    """Return keys of the first 24, without a time limit; ``scored``: maximum of single scores."""
    reading_ = resolved_query.resolve_query(text, Within(get_adapter().eligible()))
    limits = {name: scored for name in ("SCORED", "COMMON") if scored is not None}
    with patch.multiple(lexical, **limits) if limits else nullcontext():
        ranked = ranking.rank(reading_, Within(get_adapter().eligible()))
    return {str(one.key) for one in ranked.found[:24]}


def brand_of_one_in(share: int) -> Brand:
    """Return the brand whose share of products is nearest to one in this number."""
    wanted = Product.objects.count() / share
    counted = Brand.objects.annotate(held=Count("products"))
    return min(counted, key=lambda brand: abs(brand.held - wanted))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=60, help="queries of each kind")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", default="", help="kept under this name, and used if there")
    options = parser.parse_args()
    print(processor())
    with kept_database(options.database) if options.database else own_database():
        if not Product.objects.exists():
            build(options.products, options.seed)
        print(f"{Product.objects.count()} products")
        report(options.samples, options.seed)
        agreement(options.samples, options.seed)


if __name__ == "__main__":
    main()
