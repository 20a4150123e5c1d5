"""A shelf stops before products of another kind, by figures that stand in the version's row."""

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import category_number
from similarity.similar.floor import Heights, floor_of
from similarity.similar.hits import Candidate
from similarity.similar.more_like import more_like
from similarity.similar.shelves import similar_page, similar_to
from tests.host.models import Product

TENTS, BAGS, LAMPS, SOFAS, NEW = 1, 2, 3, 4, 5
OUTDOOR, HOME = 10, 20
#: Within a department 0.0 + 1.645 × 0.1 is enough, elsewhere 0.5: scores of 0.58 and 0.75.
COLUMN = {"mean": 0.0, "deviation": 0.1, "near": 0.5}
LEARNED = {
    "columns": dict.fromkeys(("fused", "text", "image", "colour", "attributes"), COLUMN),
    "departments": {"1": OUTDOOR, "2": OUTDOOR, "3": HOME, "4": HOME},
    "close": {"1": [LAMPS]},
}


@pytest.mark.parametrize(
    ("category", "score", "admitted"),
    [
        (TENTS, 0.60, True),
        (TENTS, 0.57, False),
        (BAGS, 0.60, True),  # of the same department
        (BAGS, 0.80, True),
        (LAMPS, 0.60, False),  # close, and not near
        (LAMPS, 0.80, True),
        (SOFAS, 0.80, False),  # near, and not close
        (SOFAS, 0.99, False),
        (NEW, 0.60, False),  # a category that nothing was learned of: by score alone
        (NEW, 0.80, True),
        (0, 0.60, False),
        (0, 0.80, True),
    ],
)
def test_department_closeness_and_score_decide(category, score, admitted):
    floor = floor_of(EncoderVersion(floor=LEARNED))
    heights = floor.heights({"fused": 1.0}, "cosine")
    assert heights == pytest.approx((0.582, 0.75), abs=1e-3)
    assert floor.admits([TENTS], Candidate(1, "", score, category), heights) == admitted


def test_without_categories_the_score_alone_decides():
    floor = floor_of(EncoderVersion(floor={"columns": {"fused": COLUMN}}))
    heights = floor.heights({"fused": 1.0}, "cosine")
    assert [floor.admits([0], Candidate(1, "", score), heights) for score in (0.7, 0.8)] == [
        False,
        True,
    ]


def test_any_of_several_liked_categories_will_do():
    floor = floor_of(EncoderVersion(floor=LEARNED))
    sofa = Candidate(1, "", 0.6, SOFAS)
    heights = Heights(0.58, 0.75)
    assert not floor.admits([TENTS], sofa, heights)
    assert floor.admits([TENTS, LAMPS], sofa, heights)


def test_heights_follow_weights_and_metric():
    columns = {
        "text": {"mean": 0.0, "deviation": 0.24, "near": 0.6},
        "image": {"mean": 0.2, "deviation": 0.32, "near": 0.4},
    }
    floor = floor_of(EncoderVersion(floor={"columns": columns}))
    inside, outside = floor.heights({"text": 0.5, "image": 0.5}, "cosine")
    assert outside == pytest.approx((1 + 0.5) / 2)
    assert inside == pytest.approx((1 + 0.1 + 1.645 * 0.2) / 2, abs=1e-3)
    assert floor.heights({"text": 1.0}, "l2").outside == pytest.approx(1 - np.sqrt(0.8) / 2)
    # Noise is never asked for more than nearness is.
    assert floor.heights({"image": 1.0}, "cosine") == pytest.approx((0.7, 0.7))


@pytest.fixture
def catalogue(make_catalogue):
    """400 products of 20 kinds in 4 departments of 5; a floor that keeps each to its own."""
    made = make_catalogue(400)
    Product.objects.update(stock=5)
    numbers = [category_number(product.category.path) for product in made.products]
    for product, number in zip(made.products, numbers, strict=True):
        ProductVectors.objects.filter(product=product).update(category=number)
    made.version.floor = {
        "columns": {name: {**COLUMN, "near": 0.9} for name in LEARNED["columns"]},
        "departments": {str(number): at % 20 // 5 + 1 for at, number in enumerate(numbers)},
        "close": {},
    }
    made.version.save(update_fields=["floor"])
    made.department = {p.pk: at % 20 // 5 for at, p in enumerate(made.products)}
    return made


def expected(catalogue, at):
    """Keys by brute force: of the department, above the noise."""
    allowed = {product.pk for product in catalogue.products}
    found = catalogue.brute_force(at, allowed)
    own = catalogue.department[catalogue.products[at].pk]
    return [
        str(key)
        for score, key in found
        if catalogue.department[key] == own and score >= (1 + 0.1645) / 2
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("limit", [20_000, 10])
def test_shelf_holds_what_is_above_the_floor_and_no_more(catalogue, settings, limit, monkeypatch):
    monkeypatch.setattr("similarity.similar.candidates.EXACT_LIMIT", limit)
    for at in range(0, 40, 7):
        right = expected(catalogue, at)
        hits = similar_to(catalogue.products[at], 60)
        by_vector = [hit.key for hit in hits if hit.tier == "fused"]
        assert by_vector == right[:60]
        assert {hit.tier for hit in hits} <= {"fused", "category"}
        own = catalogue.department[catalogue.products[at].pk]
        assert {catalogue.department[hit.product.pk] for hit in hits} == {own}


@pytest.mark.django_db
def test_filled_shelves_go_on_below_it(catalogue):
    source = catalogue.products[0]
    hits = similar_to(source, 60, fill=True)
    assert len(hits) == 60
    assert len({catalogue.department[hit.product.pk] for hit in hits}) > 1


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{}, {"weights": {"text": 2, "image": 1}}, {"mode": "text"}])
def test_pages_end_at_the_floor_without_repeating(catalogue, options):
    whole, after = [], None
    for _ in range(60):
        page = similar_page(catalogue.products[0], 4, after=after, **options)
        whole += [hit.key for hit in page.hits]
        after = page.next
        if after is None:
            break
    assert after is None
    assert len(whole) == len(set(whole)) < 200
    assert whole == [hit.key for hit in similar_to(catalogue.products[0], 100, **options)][:100]


@pytest.mark.django_db
def test_a_filter_far_away_leaves_the_shelf_empty(catalogue):
    """k of k eligible rows above the floor are k of none here."""
    elsewhere = [key for key, of in catalogue.department.items() if of == 3]
    assert (
        similar_to(catalogue.products[0], 8, within=Product.objects.filter(pk__in=elsewhere)) == []
    )


@pytest.mark.django_db
def test_a_full_shelf_costs_no_more_statements(catalogue):
    similar_to(catalogue.products[0], 4)
    counts = []
    for fill in (True, False):
        with CaptureQueriesContext(connection) as captured:
            similar_to(catalogue.products[0], 4, fill=fill)
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_more_like_stops_there_too(catalogue):
    liked = [catalogue.products[0], catalogue.products[5]]
    hits = more_like(liked, limit=100)
    kinds = {catalogue.department[hit.product.pk] for hit in hits}
    assert kinds == {catalogue.department[product.pk] for product in liked}
    filled = more_like(liked, limit=100, fill=True)
    assert len(filled) == 100 > len(hits)


@pytest.mark.django_db
def test_nothing_learned_keeps_nothing_out(catalogue):
    catalogue.version.floor = {"products": 5}
    catalogue.version.save(update_fields=["floor"])
    assert len(similar_to(catalogue.products[0], 60)) == 60
