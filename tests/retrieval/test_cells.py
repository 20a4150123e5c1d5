"""The plan by cells: as right as a whole scan, under live filters, near and far."""

import numpy as np
import pytest
from django.db import connection
from django.db.models.expressions import RawSQL

from similarity.cells import probing
from similarity.models import ProductVectors, VectorCells
from similarity.models.cells import rows_table
from similarity.similar import candidates, plans, trace
from similarity.similar.shelves import similar_to
from similarity.similar.within import Within
from tests.host.models import Product

pytestmark = pytest.mark.django_db

K = 12


@pytest.fixture(autouse=True)
def _anew():
    probing.forget()
    candidates.forget()


def search(version, product, products):
    vector = np.array(
        ProductVectors.objects.get(product=product, version=version).fused, dtype=np.float32
    )
    return plans.VectorSearch(
        version, "fused", vector, Within(products), source=product.pk, exclude=[product.pk]
    )


def answered_by(version, product, products):
    """The keys found, the plans that found them, and the keys of a whole scan."""
    asked = search(version, product, products)
    with trace.trace_queries() as answered:
        found = [one.key for one in candidates.nearest(asked, K)[:K]]
    right = [row.key for row in sorted(plans.exact(asked, K), key=lambda row: -row.score)]
    return found, [one.plan for one in answered], right


@pytest.fixture
def cells_only(monkeypatch):
    """As at a million rows, where looking at every passing row is dear."""
    monkeypatch.setattr(candidates, "EXACT_US", 1000.0)


FILTERS = {
    "all": lambda product: Product.objects.all(),
    "half by price": lambda product: Product.objects.filter(price__lt=500),
    "a tenth by price": lambda product: Product.objects.filter(price__lt=100),
    "its own category": lambda product: Product.objects.filter(category=product.category),
    "another category": lambda product: Product.objects.exclude(category=product.category).filter(
        category__slug__in=["c1", "c2"]
    ),
    "other categories": lambda product: Product.objects.exclude(category=product.category),
}


@pytest.mark.usefixtures("cells_only")
@pytest.mark.parametrize("name", FILTERS)
def test_cells_find_what_a_whole_scan_finds(cells_catalogue, name):
    recall = []
    for product in Product.objects.order_by("pk")[:25]:
        found, by, right = answered_by(cells_catalogue, product, FILTERS[name](product))
        assert by == ["cells"]
        assert len(found) == K
        recall.append(len(set(found) & set(right)) / K)
    assert np.mean(recall) > 0.9


@pytest.mark.usefixtures("cells_only")
def test_far_from_its_filter_the_near_cells_are_passed_over(cells_catalogue):
    product = Product.objects.select_related("category").first()
    others = Product.objects.filter(category__slug="c1").exclude(category=product.category)
    asked = search(cells_catalogue, product, others)
    with trace.trace_queries() as answered:
        candidates.nearest(asked, K)
    assert "far from the query" in answered[0].because
    standing = probing.standing(cells_catalogue, "default")
    known = candidates.statistics(asked.within, standing)
    chosen = probing.choose(standing, asked.vector, known.rates, K)
    assert chosen.share > 0.5, "most of the rows looked at pass"


@pytest.mark.usefixtures("cells_only")
def test_filters_are_live_whatever_is_known_of_them(cells_catalogue):
    """The statistics of a filter are a minute old; what it lets through is not."""
    product = Product.objects.first()
    available = Product.objects.available()
    found, by, _right = answered_by(cells_catalogue, product, available)
    assert by == ["cells"]
    Product.objects.filter(pk__in=found[:5]).update(stock=0)
    again, _by, right = answered_by(cells_catalogue, product, available)
    assert not set(again) & set(found[:5])
    assert len(again) == K
    assert set(again) == set(right)


def test_a_filter_that_now_passes_elsewhere_is_never_short(cells_catalogue, monkeypatch):
    """All that was known to pass is sold out, and other products came in."""
    monkeypatch.setattr(candidates, "EXACT_US", 1000.0)
    product = Product.objects.filter(category__slug="c3").first()
    Product.objects.exclude(category__slug="c4").update(stock=0)
    found, _by, _right = answered_by(cells_catalogue, product, Product.objects.available())
    assert len(found) == K
    Product.objects.filter(category__slug="c4").update(stock=0)
    Product.objects.filter(category__slug="c7").update(stock=3)
    found, by, right = answered_by(cells_catalogue, product, Product.objects.available())
    assert set(found) == set(right)
    assert len(found) == K
    assert by[-1] == "exact", "the cells came up short"


@pytest.mark.usefixtures("cells_only")
def test_where_the_nearest_do_not_pass_all_rows_of_the_cells_are_tested(cells_catalogue):
    """The share that passes holds for the cells as a whole; what is nearest may be sold out."""
    product = Product.objects.first()
    available = Product.objects.available()
    candidates.statistics(Within(available), probing.standing(cells_catalogue, "default"))
    near = [row.key for row in plans.exact(search(cells_catalogue, product, available), 200)]
    Product.objects.filter(pk__in=near).update(stock=0)
    found, by, right = answered_by(cells_catalogue, product, available)
    assert by[:2] == ["cells", "cells"]
    assert len(found) == K
    assert not set(found) & set(near)
    assert len(set(found) & set(right)) > K / 2


def test_few_passing_rows_are_scanned_exactly(cells_catalogue):
    product, other = Product.objects.all()[:2]
    for passing in (Product.objects.filter(pk=other.pk), Product.objects.filter(price__lt=3)):
        found, by, right = answered_by(cells_catalogue, product, passing)
        assert by == ["exact"]
        assert found == right


def test_a_part_is_not_searched_by_the_cells_of_the_fused_vectors(cells_catalogue):
    asked = search(cells_catalogue, Product.objects.first(), Product.objects.all())
    from dataclasses import replace

    steps = candidates.choose(replace(asked, column="colour"), 20, K)
    assert [step.plan for step in steps] == ["exact"]


@pytest.mark.usefixtures("cells_only")
@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_scores_are_those_of_the_metric(cells_catalogue, metric):
    product = Product.objects.first()
    exactly = VectorCells.objects.get()
    by_cells = similar_to(product, 5, within=Product.objects.all(), metric=metric)
    VectorCells.objects.filter(pk=exactly.pk).update(live=False)
    by_scan = similar_to(product, 5, within=Product.objects.all(), metric=metric)
    assert [hit.key for hit in by_cells] == [hit.key for hit in by_scan]
    assert [hit.score for hit in by_cells] == pytest.approx([hit.score for hit in by_scan])


@pytest.mark.usefixtures("cells_only")
def test_cells_dropped_at_this_moment_leave_the_whole_scan(cells_catalogue):
    product = Product.objects.first()
    asked = search(cells_catalogue, product, Product.objects.all())
    probing.standing(cells_catalogue, "default")
    candidates.statistics(asked.within, probing.standing(cells_catalogue, "default"))
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {rows_table(VectorCells.objects.get().pk)}")
    with trace.trace_queries() as answered:
        found = candidates.nearest(asked, K)
    assert answered[0].plan == "cells"
    assert answered[-1].plan == "exact"
    assert len(found) >= K
    assert Product.objects.exists(), "the host's transaction goes on"


@pytest.mark.usefixtures("cells_only")
def test_a_filter_is_judged_once(cells_catalogue, django_assert_num_queries):
    product = Product.objects.first()
    asked = search(cells_catalogue, product, Product.objects.filter(price__lt=800))
    with trace.trace_queries():
        candidates.nearest(asked, K)
    probing.standing(cells_catalogue, "default")
    with django_assert_num_queries(4):  # which cells stand, savepoint, the query, its release
        candidates.nearest(asked, K)


def test_a_filter_that_is_dear_to_judge_is_not(cells_catalogue, monkeypatch, caplog):
    """A page must not wait for eight thousand tests of it; it lets half through, we say."""
    slow = Product.objects.annotate(slept=RawSQL("pg_sleep(0.005)::text", ())).filter(slept="")
    monkeypatch.setattr(candidates, "_SETTINGS", {"statement_timeout": "50"})
    asked = search(cells_catalogue, Product.objects.first(), slow)
    standing = probing.standing(cells_catalogue, "default")
    known = candidates.statistics(asked.within, standing)
    assert known.share == 0.5
    assert set(known.rates.tolist()) == {0.5}
    assert "not measured" in caplog.text
    with trace.trace_queries() as answered:
        assert len(candidates.nearest(asked, K)) >= K
    assert [one.plan for one in answered] == ["cells"]


def test_the_choice_is_told(cells_catalogue):
    with trace.trace_queries() as answered:
        similar_to(Product.objects.first(), 5, within=Product.objects.filter(price__lt=500))
    told = answered[0]
    assert told.column == "fused"
    assert told.plan in ("cells", "exact")
    assert "rows pass" in told.because
    assert told.found > 0
    assert told.seconds > 0
