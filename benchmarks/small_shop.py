"""Build a small catalogue of words for benchmarks, with search documents and real text vectors."""

import random

COLOURS = ["navy", "red", "green", "black", "white", "grey", "sand", "rust", "olive", "teal"]
MATERIALS = [
    *("linen", "wool", "oak", "steel", "cotton", "leather", "ceramic", "glass", "bamboo", "felt")
]
KINDS = [
    *("shirt", "scarf", "chair", "lamp", "mug", "bag", "boot", "kettle", "rug", "watch", "hat"),
    *("sofa", "bowl", "tent", "cap"),
]


def words(rng: random.Random) -> str:
    return " ".join(rng.choice(some) for some in (COLOURS, MATERIALS, KINDS))


def migrate() -> None:
    """Create the tables in the database from the settings."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def build(products: int, *, embed: bool = True) -> list[int]:
    """Create products with documents and, unless ``embed`` is off, vectors; return the keys."""
    migrate()
    from shop.models import Brand, Category, Product

    rng = random.Random(1)  # noqa: S311 - the same catalogue each time
    kinds = {kind: Category.objects.create(name=kind, slug=kind) for kind in KINDS}
    brand = Brand.objects.create(name="Northfield", slug="northfield")
    made = []
    for number in range(products):
        name = words(rng)
        made.append(
            Product(
                sku=f"S{number}",
                name=name,
                slug=f"p{number}",
                category=kinds[name.split()[-1]],
                brand=brand,
                price=rng.randint(5, 200),
                stock=rng.choice((0, 3, 9, 20)),
                attributes={"colour": name.split()[0]},
                description=f"A {name} for every day, made to last.",
            )
        )
    Product.objects.bulk_create(made)
    if embed:
        embed_all()
    return list(Product.objects.order_by("pk").values_list("pk", flat=True))


def embed_all() -> None:
    """Write documents and vectors of every product, in this process."""
    from shop.models import Product
    from similarity.outbox import draining
    from similarity.search import documents
    from similarity.versions import lifecycle

    documents.index_all()
    lifecycle.ensure_live_version()
    draining.enqueue(Product.objects.all(), wake=False)
    while draining.has_due():
        draining.drain(60)
