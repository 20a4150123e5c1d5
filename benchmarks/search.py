"""Time of ``search`` and ``suggest`` over a large catalogue, with and without a query vector.

Builds a synthetic catalogue in a database of its own on the configured server, measures,
and drops the database again:

    python benchmarks/search.py --products 100000

or, where a large one shall be measured again, keeps it under a name (``--database``), and
finds it there the next time.

Titles are made of a colour, a material, a style and a kind, descriptions of words drawn by
Zipf's law from a vocabulary of its own. A tenth of the products is out of stock, which
the live filter leaves out. Text vectors lie around one centre for each kind and have the
length that the default settings give them. A query whose vector is not yet known also waits
for a worker, for QUERY_TIMEOUT_MS at most; that is what `benchmarks/rerank.py` measures. At the
end stands how much of the first page of very common words is what a full ranking, without
champion lists, would show.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import product as combinations
from pathlib import Path
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

from shop import servers

servers.start()

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Count  # noqa: E402
from pgvector import HalfVector  # noqa: E402

from benchmarks.machine import processor  # noqa: E402
from benchmarks.scratch import kept_database, own_database  # noqa: E402
from shop.models import Brand, Category, Product  # noqa: E402
from similarity.catalog.adapter import get_adapter  # noqa: E402
from similarity.indexing import documents  # noqa: E402
from similarity.models import (  # noqa: E402
    EncoderVersion,
    ProductVectors,
    SearchDocument,
    SearchLexeme,
)
from similarity.retrieval.search import (  # noqa: E402
    lexical,
    ranking,
    reading,
    search,
    suggest,
)
from similarity.retrieval.within import Within  # noqa: E402

DIMENSION = 384
COLOURS = ["red", "navy", "black", "white", "olive", "teal", "mustard", "rust", "grey", "sand"]
MATERIALS = [
    "cotton",
    "linen",
    "wool",
    "leather",
    "denim",
    "steel",
    "oak",
    "bamboo",
    "nylon",
    "glass",
]
STYLES = [
    "classic",
    "slim",
    "folding",
    "portable",
    "vintage",
    "striped",
    "plain",
    "padded",
    "insulated",
    "mini",
]
KINDS = [
    "shirt",
    "jacket",
    "dress",
    "sneaker",
    "backpack",
    "kettle",
    "lamp",
    "chair",
    "table",
    "rug",
    "bottle",
    "mug",
    "tent",
    "blanket",
    "pillow",
    "headphones",
    "keyboard",
    "monitor",
    "charger",
    "speaker",
    "watch",
    "sunglasses",
    "scarf",
    "belt",
    "wallet",
    "umbrella",
    "knife",
    "pan",
    "teapot",
    "vase",
]


def build_catalogue(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    categories = [
        Category.objects.create(name=kind.title(), slug=kind, path=f"All > {kind.title()}")
        for kind in KINDS
    ]
    brands = [Brand.objects.create(name=name, slug=name.lower()) for name in pseudo_words(rng, 300)]
    vocabulary = pseudo_words(rng, 30_000)
    looks = list(combinations(COLOURS, MATERIALS, STYLES))
    products = []
    for number in range(count):
        at = int(rng.integers(len(KINDS)))
        colour, material, style = looks[int(rng.integers(len(looks)))]
        drawn = rng.zipf(1.3, size=60) % len(vocabulary)
        products.append(
            Product(
                sku=f"{KINDS[at][:3].upper()}-{number:06}",
                name=f"{style.title()} {material} {KINDS[at]} in {colour}",
                slug=f"p{number}",
                description=" ".join(vocabulary[word] for word in drawn),
                category=categories[at],
                brand=brands[int(rng.zipf(1.2)) % len(brands)],
                price=round(float(rng.lognormal(3.5, 1)), 2),
                stock=0 if rng.random() < 0.1 else 5,
                attributes={"colour": colour, "material": material, "style": style},
            )
        )
    Product.objects.bulk_create(products, batch_size=5000)


def pseudo_words(rng: np.random.Generator, count: int) -> list[str]:
    """Different words of two to four syllables."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < count:
        size = int(rng.integers(2, 5))
        words["".join(syllables[int(at)] for at in rng.integers(len(syllables), size=size))] = None
    return [word.title() for word in words]


def build_vectors(seed: int) -> EncoderVersion:
    """Text vectors around a centre for each kind, and their index."""
    rng = np.random.default_rng(seed)
    version = EncoderVersion.objects.create(
        status="live",
        encoders={},
        fusion=b"",
        weights={"text": 1.0},
        dimensions={"fused": 2, "text": DIMENSION},
    )
    centres = rng.normal(size=(len(KINDS), DIMENSION))
    # Read before the COPY, which has the connection to itself.
    rows = list(Product.objects.order_by("pk").values_list("pk", "category__slug"))
    with connection.cursor() as cursor:
        columns = 'product_id, version_id, fused, text, "group", fingerprint, encoded_at'
        statement = f"COPY {ProductVectors._meta.db_table} ({columns}) FROM STDIN"
        with cursor.copy(statement) as stream:
            for key, kind in rows:
                row = centres[KINDS.index(kind)] + 0.8 * rng.normal(size=DIMENSION)
                text = HalfVector(row / np.linalg.norm(row)).to_text()
                stream.write_row(
                    (key, version.pk, "[1,0]", text, f"product:{key}", "0" * 64, "2026-01-01")
                )
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute(
            f"CREATE INDEX similarity_v{version.pk}_text ON similarity_productvectors USING hnsw "
            f"((text::halfvec({DIMENSION})) halfvec_cosine_ops) WHERE version_id = {version.pk}"
        )
    return version


def queries(count: int, seed: int) -> dict[str, list[str]]:
    """Kind of query → texts."""
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
    """Words that a tenth of all documents and more hold."""
    least = SearchDocument.objects.count() // 10
    lexemes = SearchLexeme.objects.filter(documents__gt=least).exclude(lexeme="")
    return list(lexemes.order_by("-documents").values_list("lexeme", flat=True))


def misspelt(word: str, rng: np.random.Generator) -> str:
    """Two neighbouring letters swapped."""
    at = int(rng.integers(1, len(word) - 1))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def prefixes(count: int, seed: int) -> dict[str, list[str]]:
    """What stands in the search box after some letters of a title."""
    rng = np.random.default_rng(seed)
    names = list(Product.objects.order_by("?").values_list("name", flat=True)[:count])
    cut = [(name, int(rng.integers(4, len(name)))) for name in names]
    return {
        "one letter": [name[:1] for name in names],
        "three letters": [name[:3] for name in names],
        "several words": [name[:at] for name, at in cut],
    }


def measure(call: Callable[[str], object], texts: Sequence[str]) -> str:
    """p50, p95 and the longest in milliseconds, each text asked for once."""
    times = []
    for text in texts:
        started = time.perf_counter()
        call(text)
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times, [50, 95])
    return f"{p50:9.1f}{p95:9.1f}{max(times):9.1f}"


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
    for text in ("shirt", "navy lamp"):  # connections and imports are not what is measured
        hybrid(text, facets=facets)
        suggest(text)
    print(f"\n{'search, ms':<46}{'p50':>9}{'p95':>9}{'longest':>9}")
    for kind, texts in queries(samples, seed).items():
        for way, call in ways.items():
            print(f"{kind:<24}{way:<22}{measure(call, texts)}", flush=True)
    print(f"\n{'suggest, ms':<46}{'p50':>9}{'p95':>9}{'longest':>9}")
    for kind, texts in prefixes(samples, seed).items():
        print(f"{kind:<46}{measure(suggest, texts)}", flush=True)


def agreement(samples: int, seed: int) -> None:
    """How much of the first page is as if every product that matches had been scored."""
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
    """Keys of the first 24, without a time limit; ``scored``: how many may be scored one by one."""
    reading_ = reading.read(text, connection.alias)
    limits = {name: scored for name in ("SCORED", "COMMON") if scored is not None}
    with patch.multiple(lexical, **limits) if limits else nullcontext():
        ranked = ranking.rank(reading_, Within(get_adapter().eligible()), get_adapter())
    return {str(one.key) for one in ranked.found[:24]}


def brand_of_one_in(share: int) -> Brand:
    """The brand whose products are nearest to so small a part of all."""
    wanted = Product.objects.count() / share
    counted = Brand.objects.annotate(held=Count("products"))
    return min(counted, key=lambda brand: abs(brand.held - wanted))


def build(products: int, seed: int) -> None:
    started = time.perf_counter()
    build_catalogue(products, seed)
    made = time.perf_counter()
    documents.index_all()
    indexed = time.perf_counter()
    build_vectors(seed)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(
        f"{products} products made in {made - started:.0f} s, indexed in {indexed - made:.0f} s, "
        f"their vectors in {time.perf_counter() - indexed:.0f} s"
    )
    lists = SearchLexeme.objects.filter(best__isnull=False).count()
    print(f"{lists} champion lists, made with the index")


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
