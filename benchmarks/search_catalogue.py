"""Generate a synthetic catalogue for search, of any size, the same for each seed.

Titles combine a colour, a material, a style and a type. Descriptions are words drawn by Zipf's law
from a generated vocabulary. A tenth of the products is out of stock, which the live filter leaves
out. Text vectors lie around a centre per type and have the length of the default settings.
"""

import time
from itertools import product as combinations

import numpy as np
from django.db import connection
from pgvector import HalfVector

from shop.models import Brand, Category, Product
from similarity.models import EncoderVersion, ProductVectors
from similarity.search import documents
from similarity.search.models import SearchLexeme

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
    """Return different words of two to four syllables."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < count:
        size = int(rng.integers(2, 5))
        words["".join(syllables[int(at)] for at in rng.integers(len(syllables), size=size))] = None
    return [word.title() for word in words]


def build_vectors(seed: int) -> EncoderVersion:
    """Create text vectors around a centre per type, and their index."""
    rng = np.random.default_rng(seed)
    version = EncoderVersion.objects.create(
        status="live",
        encoders={},
        fusion=b"",
        weights={"text": 1.0},
        dimensions={"fused": 2, "text": DIMENSION},
    )
    centres = rng.normal(size=(len(KINDS), DIMENSION))
    # Read before the COPY, which occupies the connection.
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
