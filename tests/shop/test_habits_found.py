"""What the demo's customers buy together is what bought-together finds."""

from collections import Counter

import pytest

from shop.models import Product
from shop.seed import load
from shop.seed.catalogue import plan
from shop.seed.habits import partners
from similarity.models.vectors import group_name
from similarity.orders import bought_together
from similarity.orders.complements import complements_of
from similarity.orders.counting.full import count_all
from similarity.orders.partners import partners_of

pytestmark = pytest.mark.django_db
SEED = 7


def test_planted_habits_are_found(db):
    load.load(400, SEED, pictures=False, progress=False)
    count_all()
    items = {item.sku: item for item in plan(400, SEED)}
    planted = partners(list(items.values()), SEED)
    _partners_are_among_the_first_four(items, planted)
    _categories_go_together_by_habit(planted)


def _partners_are_among_the_first_four(items, planted):
    """Most of all, and nearly all that enough shoppers have bought together."""
    products = {product.sku: product for product in Product.objects.all()}
    item_of = {sku: item.group or sku for sku, item in items.items()}
    # Of a group, one variant that can be bought will do.
    shown = {item_of[sku] for sku, product in products.items() if product.in_stock}
    found, known = Counter(), Counter()
    for sku, its in planted.items():
        hits = bought_together(products[sku], 4)
        got = {item_of[hit.product.sku] for hit in hits if hit.tier == "copurchase"}
        likely = {item_of[one] for one, chance in its if chance >= 0.1} & shown
        found.update(one in got for one in likely)
        known.update(one in got for one in likely & _bought_with(sku, items))
    assert found.total() > 250
    assert found[True] / found.total() > 0.55
    assert known[True] / known.total() > 0.9


def _bought_with(sku, items):
    """Items, by group or SKU, that MIN_SHOPPERS bought together with one."""
    key = Product.objects.get(sku=sku).pk
    name = group_name(str(key), items[sku].group)
    keys = {key for one in partners_of([name]).get(name, []) for key in one.products}
    skus = Product.objects.filter(pk__in=keys).values_list("sku", flat=True)
    return {items[one].group or one for one in skus}


def _categories_go_together_by_habit(planted):
    """No category goes with another but by a habit, or by two with one in common."""
    path = dict(Product.objects.values_list("sku", "category__path"))
    habits = {
        frozenset((path[sku], path[other])) for sku, its in planted.items() for other, _ in its
    }
    learned = {
        frozenset((category, complement.name))
        for category in set(path.values())
        for complement in complements_of([category], "default")
    }
    assert len(learned & habits) >= 0.7 * len(habits)
    by_one = {one ^ two for one in habits for two in habits if len(one & two) == 1}
    assert len(learned - habits - by_one) <= 0.1 * len(learned)
