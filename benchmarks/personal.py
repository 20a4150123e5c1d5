"""Measure personal shelves: time and statements beside similar_to, recall, and a product's page.

    python benchmarks/personal.py                               # 10,000 and 100,000 products
    python benchmarks/personal.py --products 10000 100000 1000000
    python benchmarks/personal.py --weights                     # the weight of personal=1

Each catalogue (``benchmarks/clustered.py``) is built once in its own database and stays for the
next run, with a model of random weights whose items' vectors follow the products' content. Half of
the products are learned, the other half have their vector from content. Each of the shoppers has
``--events`` events. Filters keep a share of the products, live. Recall compares with the largest
inner products of all passing items. The page is the demo's own product page by Django's test
client, without network; its shelves are cached, personal shelves never are.

``--weights`` plants what shoppers want: each likes some directions of a catalogue more than others,
and buys, among the products similar to the one of the page, the one that suits them best. The table
gives the NDCG of that product in the order of similar_to, re-ordered with each weight.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ.setdefault("DJANGO_DEBUG", "0")  # templates are compiled once, no query is logged
os.environ.setdefault("DJANGO_SECRET_KEY", "of a benchmark")

from benchmarks.processes import use_demo_servers

use_demo_servers()

import django  # noqa: E402

django.setup()

from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.db import connection, reset_queries, transaction  # noqa: E402
from django.db.models import QuerySet  # noqa: E402
from django.template import Context, Template  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402
from safetensors.numpy import save  # noqa: E402

from benchmarks import clustered  # noqa: E402
from benchmarks.machine import processor  # noqa: E402
from shop.models import Category, Product  # noqa: E402
from similarity.cells import upkeep  # noqa: E402
from similarity.events import partitions  # noqa: E402
from similarity.events.identity import COOKIE, pseudonym_of  # noqa: E402
from similarity.events.models import Event, Kind, Profile  # noqa: E402
from similarity.models import EncoderVersion, VectorCells  # noqa: E402
from similarity.shoppers import promotion, recommend_for  # noqa: E402
from similarity.shoppers.artefact import FORMAT, SequenceConfig, shapes  # noqa: E402
from similarity.shoppers.live_model import LiveModel, read_live_model  # noqa: E402
from similarity.shoppers.models import ShopperModel  # noqa: E402
from similarity.shoppers.personal_tier import PersonalTier  # noqa: E402
from similarity.shoppers.shopper import read_shopper_history, shopper_of  # noqa: E402
from similarity.similar import candidates  # noqa: E402
from similarity.similar.personal_order import personal_order  # noqa: E402
from similarity.similar.shelves import similar_to  # noqa: E402
from similarity.similar.within import Within  # noqa: E402
from similarity.types import FloatArray  # noqa: E402

K = 8
DIMENSION = 64
#: Products a batch of the promotion holds.
BATCH = 5000
#: Shelves of a product's page, and the others of a shop.
ON_THE_PAGE = "{% because_you_viewed 4 product=p %}{% people_also_viewed p 4 %}"
OTHERS = "{% for_you 8 product=p %}{% recently_viewed 4 %}{% buy_again 4 %}{% trending 4 %}"
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Filter(NamedTuple):
    name: str
    passes: QuerySet[Any]


def filters() -> Iterator[Filter]:
    live = Product.objects.all().available()  # type: ignore[attr-defined]
    yield Filter("all, live", live)
    yield Filter("5 %, by price", live.filter(price__lt=50))
    yield Filter("0.5 %, by price", live.filter(price__lt=5))
    first = Category.objects.filter(products__isnull=False).order_by("pk").first()
    assert first is not None  # noqa: S101 - the catalogue has some
    yield Filter("a category", live.filter(category=first))


def prepare(count: int, options: argparse.Namespace) -> None:
    """Build what is missing: catalogue, index or cells, model, shoppers."""
    version = EncoderVersion.objects.first()
    if version is None:
        version = clustered.build(count, options.dimension, options.seed)
        if count < upkeep.CELLS_FROM:
            clustered.build_hnsw(version, "1GB")
        else:
            upkeep.build(version, "default")
    if ShopperModel.objects.live("sequence") is None:
        started = time.perf_counter()
        model = promoted_model(version, options)
        made = VectorCells.objects.filter(version=model.items, live=True).first()
        cells = f", of these {made.figures['build_s']:.1f} s for its cells" if made else ""
        print(f"Items' vectors written in {time.perf_counter() - started:.1f} s{cells}.")
    known = Profile.objects.filter(pseudonym=pseudonym_of(f"token-{options.shoppers - 1}"))
    if not known.exists():
        with transaction.atomic():
            Event.objects.all()._raw_delete("default")
            Profile.objects.all().delete()
            add_shoppers(count, options)
    clustered.warm()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def promoted_model(version: EncoderVersion, options: argparse.Namespace) -> ShopperModel:
    dice = np.random.default_rng(options.seed)
    config = SequenceConfig(dim=DIMENSION, content_dim=options.dimension)
    weights = {
        name: (dice.normal(size=shape) * 0.05).astype(np.float32)
        for name, shape in shapes(config).items()
    }
    for name in weights:
        if name.endswith(("before_attention.weight", "before_widen.weight", "last.weight")):
            weights[name] = np.ones_like(weights[name])
    projection = dice.normal(size=(DIMENSION, options.dimension)) / DIMENSION**0.5
    weights["content.weight"] = (2.0 * projection).astype(np.float32)
    metadata = {"format": FORMAT, "config": json.dumps(config.as_json())}
    data = save({name: np.ascontiguousarray(one) for name, one in weights.items()}, metadata)
    model = ShopperModel.objects.create(
        kind="sequence",
        status="candidate",
        weights=data,
        weights_sha256=hashlib.sha256(data).hexdigest(),
    )
    return promotion.promote(model, learned(version, weights["content.weight"], dice))


def learned(
    version: EncoderVersion, projection: FloatArray, dice: np.random.Generator
) -> Iterator[tuple[list[str], FloatArray]]:
    """Yield vectors of every second product: its projected content and what it has of its own."""
    content = clustered.stored_vectors(version)
    for start in range(0, len(content), BATCH):
        rows = np.arange(start, min(start + BATCH, len(content)), 2)
        vectors = content[rows].astype(np.float32) @ projection.T
        own = 0.3 * dice.normal(size=vectors.shape).astype(np.float32) / DIMENSION**0.5
        yield [f"product:{row + 1}" for row in rows], vectors + own


def add_shoppers(count: int, options: argparse.Namespace) -> None:
    """Add shoppers who look at products of two categories, the last one twice as often."""
    dice = np.random.default_rng(options.seed + 1)
    category = np.array(Product.objects.order_by("pk").values_list("category_id", flat=True))
    now = timezone.now()
    partitions.create(now - timedelta(days=1), now, "default")
    for number in range(options.shoppers):
        profile = Profile.objects.create(pseudonym=pseudonym_of(f"token-{number}"))
        liked = dice.choice(np.unique(category), 2, replace=False)
        keys = [
            int(dice.choice(np.flatnonzero(category == liked[int(dice.random() < 0.67)]))) + 1
            for _ in range(options.events)
        ]
        Event.objects.bulk_create(
            Event(
                profile=profile,
                kind=Kind.VIEW if at % 10 else Kind.ADD_TO_CART,
                product_id=key,
                at=now - timedelta(minutes=options.events - at),
            )
            for at, key in enumerate(keys)
        )


def timed(calls: list[Callable[[], Any]]) -> tuple[float, float]:
    """Return p50 and p95 in milliseconds, after some warm-up calls."""
    for call in calls[:3]:
        call()
    spent = []
    for call in calls:
        started = time.perf_counter()
        call()
        spent.append(1000 * (time.perf_counter() - started))
    p50, p95 = np.percentile(spent, [50, 95])
    return float(p50), float(p95)


def recall(model: LiveModel, profile: Profile, passes: QuerySet[Any], every: FloatArray) -> float:
    """Return the share of the K largest inner products that the search finds.

    ``every`` (N, D + 1): the stored rows; row n belongs to the product with key n + 1.
    """
    history = read_shopper_history(shopper_of(profile), "default")
    tier = PersonalTier(model, history, Within(passes))
    vector, taken = tier.vector, tier.taken([])
    assert vector is not None  # noqa: S101 - its events are of known products
    found = [one.key for one in tier._nearest(K, 0.0, taken)]
    scores = every[:, :-1] @ (vector / np.linalg.norm(vector))
    allowed = np.array(list(passes.order_by().values_list("pk", flat=True)), int) - 1
    left_out = np.fromiter(taken.keys, int, len(taken.keys)) - 1
    allowed = np.setdiff1d(allowed, left_out)
    exist = min(K, len(allowed))
    if not exist:
        return 1.0
    least = np.partition(scores[allowed], -exist)[-exist]
    return sum(scores[key - 1] >= least - 2e-3 for key in found) / exist


def shelves(options: argparse.Namespace) -> None:
    model = read_live_model("default")
    assert model is not None  # noqa: S101 - prepare() made it
    every = clustered.stored_vectors(model.items).astype(np.float32)
    profiles = list(Profile.objects.order_by("pk")[: options.shoppers])
    last = [shopper_history(one)[0] for one in profiles]
    print("\n| filter | call | p50 ms | p95 ms | statements | recall@8 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, passes in filters():
        shown = partial(recommend_for, limit=K, within=passes)
        rich = partial(shown, diversity=0.3, explain=True)
        right = np.mean([recall(model, one, passes, every) for one in profiles])
        rows: list[tuple[str, list[Callable[[], Any]], str]] = [
            ("`recommend_for`", [partial(shown, one) for one in profiles], f"{right:.3f}"),
            ("the same, diverse, with reasons", [partial(rich, one) for one in profiles], ""),
            ("the same, unknown shopper", [partial(shown, None)] * len(profiles), ""),
            ("`similar_to`", [partial(similar_to, key, K, within=passes) for key in last], ""),
        ]
        for what, calls, told in rows:
            p50, p95 = timed(calls)
            counted = statements(calls[0])
            print(f"| {name} | {what} | {p50:.1f} | {p95:.1f} | {counted} | {told} |", flush=True)
    tiers = [tier_of(model, one) for one in profiles]
    p50, p95 = timed([partial(type(one).vector.func, one) for one in tiers])
    print(f"\nA shopper's vector from {options.events} events: {p50:.2f} / {p95:.2f} ms.")


def shopper_history(profile: Profile) -> list[Any]:
    return read_shopper_history(shopper_of(profile), "default").products


def tier_of(model: LiveModel, profile: Profile) -> PersonalTier:
    history = read_shopper_history(shopper_of(profile), "default")
    tier = PersonalTier(model, history, Within(Product.objects.all()))
    _ = tier.stored
    return tier


def page(options: argparse.Namespace) -> None:
    """Print the time of the demo's product page, and of personal shelves added to it."""
    client = Client(HTTP_HOST="localhost", HTTP_USER_AGENT="Mozilla/5.0 Firefox/140.0")
    products = list(Product.objects.order_by("?")[: options.pages])
    loaded = "{% load similarity_shoppers %}"
    own, every = Template(loaded + ON_THE_PAGE), Template(loaded + ON_THE_PAGE + OTHERS)

    def draw(template: Template, number: int, product: Product) -> None:
        request = RequestFactory().get(product.get_absolute_url())
        request.user = AnonymousUser()
        request.COOKIES[COOKIE] = f"token-{number % options.shoppers}"
        template.render(Context({"request": request, "p": product, "csrf_token": "x"}))

    profiles = Profile.objects.order_by("pk")[: options.shoppers]
    seen = Product.objects.filter(pk__in=[shopper_history(one)[0] for one in profiles])
    for product in (*products, *seen):
        client.get(product.get_absolute_url())  # its shelves are cached from now on
    visits = [partial(client.get, one.get_absolute_url()) for one in products]
    plain = timed(visits)
    print("\n| page | p50 ms | p95 ms | statements | times |\n| --- | --- | --- | --- | --- |")
    counted = statements(visits[0])
    print(f"| the demo's product page | {plain[0]:.1f} | {plain[1]:.1f} | {counted} | |")
    for what, template in (("a page's own shelves", own), ("all six shelves", every)):
        calls = [partial(draw, template, number, one) for number, one in enumerate(products)]
        p50, p95 = timed(calls)
        times, counted = (plain[0] + p50) / plain[0], statements(calls[0])
        print(f"| added by {what} | {p50:.1f} | {p95:.1f} | {counted} | {times:.2f} |", flush=True)


def statements(call: Callable[[], Any]) -> int:
    reset_queries()
    with CaptureQueriesContext(connection) as seen:
        call()
    return len(seen)


def weights(options: argparse.Namespace) -> None:
    """Print the NDCG of what planted shoppers buy, by the weight of personal=1."""
    dice = np.random.default_rng(options.seed)
    print("\n| shopper's taste decides | " + " | ".join(f"weight {one}" for one in WEIGHTS) + " |")
    print("| --- |" + " --- |" * len(WEIGHTS))
    for share in (0.0, 0.25, 0.5, 0.75):
        gains = np.zeros((options.questions, len(WEIGHTS)))
        for question in range(options.questions):
            gains[question] = planted(share, dice)
        shown = " | ".join(f"{gain:.3f}" for gain in gains.mean(axis=0))
        print(f"| {share:.0%} | {shown} |")


def planted(share: float, dice: np.random.Generator, listed: int = 24) -> list[float]:
    """Return the NDCG of one purchase for each weight.

    The list is ordered by likeness. The purchase is drawn by a mix of likeness and of taste, which
    the model knows with noise, as after training.
    """
    likeness = np.sort(dice.normal(size=listed))[::-1]
    taste = dice.normal(size=listed)
    known = 0.7 * taste + 0.7 * dice.normal(size=listed)
    wish = (1 - share) * likeness + share * taste
    chance = np.exp(2.0 * wish)
    bought = int(dice.choice(listed, p=chance / chance.sum()))
    places = [personal_order(known.tolist(), one).index(bought) for one in WEIGHTS]
    return [1.0 / float(np.log2(place + 2)) for place in places]


def main() -> None:
    options = arguments()
    print(f"{processor()}; {options.shoppers} shoppers, {options.events} events each, k = {K}")
    if options.weights:
        weights(options)
        return
    for count in options.products:
        with clustered.kept_database(f"similarity_personal_{count}_{options.dimension}"):
            print(f"\n## {count:,} products\n")
            prepare(count, options)
            candidates.forget()
            shelves(options)
            page(options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dimension", type=int, default=256, help="length of fused rows (256)")
    parser.add_argument("--shoppers", type=int, default=50)
    parser.add_argument("--events", type=int, default=50, help="of each shopper (50)")
    parser.add_argument("--pages", type=int, default=50, help="product pages measured (50)")
    parser.add_argument("--weights", action="store_true", help="only the weight of personal=1")
    parser.add_argument("--questions", type=int, default=4000, help="of each line of --weights")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
