"""The promise: k rows come back whenever k eligible exist, under any filter and either plan."""

import random

import numpy as np
import pytest
from django.db import connection

from similarity.models.stored_vectors import read_vectors
from similarity.models.vectors import index_name
from similarity.similar import candidates, plans
from similarity.similar.planner_settings import local_settings
from similarity.similar.plans import VectorSearch
from similarity.similar.shelves import similar_to
from similarity.similar.within import Within
from tests.host.models import Product

pytestmark = pytest.mark.django_db

LIMIT = 10


def random_filter(catalogue, rng):
    """A queryset that keeps half of the catalogue, down to one product."""
    share = 0.5 * rng.random() ** 4
    count = max(1, int(share * len(catalogue.products)))
    kind = rng.randrange(3)
    if kind == 0:  # spread over the whole catalogue, a range of prices
        low = rng.uniform(0, 1000 * (1 - share))
        return Product.objects.filter(price__gte=low, price__lte=low + 1000 * share)
    if kind == 1:  # by region: some categories, near or far
        slugs = sorted({product.category_id for product in catalogue.products})
        chosen = rng.sample(slugs, max(1, int(share * len(slugs))))
        return Product.objects.filter(category__in=chosen, stock__gt=1)
    keys = rng.sample([product.pk for product in catalogue.products], count)
    return Product.objects.filter(pk__in=keys)


def test_thousand_filters_give_min_k_eligible(make_catalogue, settings, monkeypatch):
    """1,000 filters over 3,000 products; recall of what HNSW answered against brute force."""
    monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", 250)
    catalogue = make_catalogue(3000, variants=range(300))
    used = []
    for name in ("exact", "hnsw", "hnsw_nearby", "exact_per_group"):
        plan = getattr(plans, name)
        monkeypatch.setattr(
            plans, name, lambda s, n, plan=plan, name=name: used.append(name) or plan(s, n)
        )
    rng = random.Random(5)
    recalls, answered = [], {"exact": 0, "hnsw": 0}
    for _ in range(1000):
        at = rng.randrange(3000)
        within = random_filter(catalogue, rng)
        allowed = set(within.values_list("pk", flat=True))
        wanted = catalogue.brute_force(at, allowed)
        used.clear()
        hits = similar_to(catalogue.products[at], LIMIT, within=within)
        assert len(hits) == min(LIMIT, len(wanted))
        assert {hit.product.pk for hit in hits} <= allowed - {catalogue.products[at].pk}
        assert all(hit.tier == "fused" for hit in hits)
        scores = [score for score, _ in wanted[:LIMIT]]
        if used and used[-1].startswith("hnsw"):
            answered["hnsw"] += 1
            good = sum(hit.score >= scores[-1] - 1e-6 for hit in hits)
            recalls.append(good / max(1, len(scores)))
        else:
            answered["exact"] += 1
            assert [hit.score for hit in hits] == pytest.approx(scores, abs=2e-6)
    assert min(answered.values()) >= 100, answered
    assert np.mean(recalls) >= 0.9, np.mean(recalls)


@pytest.fixture
def search(make_catalogue, settings, monkeypatch):
    monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", 100)
    catalogue = make_catalogue(700, clusters=10)

    def search(within, at=0, **changes):
        key = catalogue.products[at].pk
        stored = read_vectors(catalogue.version, [key], ("fused",), "default")[key]
        return VectorSearch(
            **{
                "version": catalogue.version,
                "column": "fused",
                "vector": stored.vectors["fused"],
                "within": Within(within),
                "source": key,
                **changes,
            }
        )

    search.catalogue = catalogue
    return search


def explained(monkeypatch, plan, search):
    """The plan PostgreSQL runs for ``plan``, under that plan's own settings."""
    lines = []

    def explain(query, search, settings):
        with local_settings("default", settings) as cursor:
            cursor.execute(f"EXPLAIN {query.sql}", query.params)
            lines.extend(row[0] for row in cursor.fetchall())
        return []

    monkeypatch.setattr(plans, "_run", explain)
    plan(search, 20)
    return "\n".join(lines)


@pytest.mark.parametrize(
    "lookups", [{}, {"stock__gt": 0}, {"price__lt": 500}, {"category__slug__startswith": "kind"}]
)
def test_hnsw_reads_the_index_and_exact_does_not(search, monkeypatch, lookups):
    query = search(Product.objects.filter(**lookups))
    index = f"Index Scan using similarity_v{query.version.pk}_fused"
    for plan in (plans.hnsw, plans.hnsw_nearby):
        text = explained(monkeypatch, plan, query)
        assert index in text
        assert "Sort" not in text
    for plan in (plans.exact, plans.exact_per_group):
        assert "_fused" not in explained(monkeypatch, plan, query)


def chosen(search):
    return [step.plan for step in candidates.choose(search, 20, 20)]


def test_choice_of_plan(search):
    """Few rows: exact. Many, the source among them: HNSW. Many, the source outside: nearby."""
    everything = Product.objects.all()
    own = search.catalogue.products[0]
    assert chosen(search(everything.filter(pk__lt=own.pk + 50))) == ["exact"]
    assert chosen(search(everything)) == ["hnsw", "exact"]
    assert chosen(search(everything.exclude(pk=own.pk))) == ["hnsw nearby", "exact"]
    assert chosen(search(everything.order_by("name")[:500])) == ["exact"]
    assert chosen(search(everything, column="colour")) == ["exact"]


@pytest.mark.parametrize(
    ("passing", "near", "indexed", "few"),
    [
        (1_000, True, 10_000, True),
        (2_000, True, 10_000, False),  # HNSW visits 100 rows, exact would 2,000
        (2_000, False, 10_000, True),  # trying the surroundings first costs more
        (5_000, False, 10_000, False),
        (20_001, False, 10**6, False),
        (2_000, True, -1, True),  # the index has no statistics yet
    ],
)
def test_few_follows_the_cost_of_a_row(passing, near, indexed, few):
    assert candidates.Outlook(passing, near, indexed).few(20) == few


def test_no_index_is_answered_exactly(search):
    """An index that is still being built concurrently may not be used."""
    everything = search(Product.objects.all())
    with connection.cursor() as cursor:
        name = index_name(everything.version, everything.column)
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name]
        )
        assert chosen(everything) == ["exact"]
        cursor.execute(f"DROP INDEX {name}")
    assert chosen(everything) == ["exact"]
    assert len(candidates.nearest(everything, 10)) >= 10


def test_far_filter_is_as_good_as_exact(search):
    """A product that searches in another region than its own gets what brute force finds."""
    catalogue = search.catalogue
    far = Product.objects.exclude(category=catalogue.products[0].category).filter(price__lt=400)
    hits = similar_to(catalogue.products[0], LIMIT, within=far)
    wanted = catalogue.brute_force(0, set(far.values_list("pk", flat=True)))[:LIMIT]
    found = {int(hit.key) for hit in hits}
    assert len(found & {key for _, key in wanted}) >= 9


def test_settings_are_put_back_inside_the_hosts_transaction(search):
    """SET LOCAL would last until the host commits, and spoil its later queries."""
    names = ("enable_sort", "enable_seqscan", "jit", "hnsw.ef_search", "hnsw.iterative_scan")

    def current():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join('current_setting(%s)' for _ in names)}", names)
            return cursor.fetchone()

    plans.hnsw(search(Product.objects.all()), 5)  # the extension is loaded from here on
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.ef_search = 77")
        cursor.execute("SET LOCAL enable_sort = off")
    before = current()
    plans.hnsw(search(Product.objects.all()), 5)
    assert current() == before
    assert before[3] == "77"


def test_one_huge_group_does_not_hide_the_others(search):
    """The nearest hundreds being variants of one product, k groups still come."""
    from similarity.models import ProductVectors

    same = Product.objects.filter(category=search.catalogue.products[1].category)
    ProductVectors.objects.filter(product__in=same).update(group="one")
    found = candidates.nearest(search(Product.objects.all(), at=1), 30)
    assert len(found) >= 30
    assert len({candidate.group for candidate in found}) == len(found)
