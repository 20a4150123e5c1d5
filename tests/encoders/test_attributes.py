"""Brand, category, attributes and price as codes that any process makes alike."""

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest

from similarity.catalog.content import ProductContent
from similarity.encoders.attributes import AttributeEncoder
from similarity.exceptions import EncoderError


def encode(*products: dict) -> np.ndarray:
    contents = [ProductContent(key=str(at), title="", **p) for at, p in enumerate(products)]
    return AttributeEncoder().encode(contents).vectors


def attributes(**values) -> dict:
    return {"attributes": values}


def likenesses(first: dict, *others: dict) -> list[float]:
    vectors = encode(first, *others)
    return (vectors[1:] @ vectors[0]).tolist()


def test_equal_values_are_alike_and_others_about_orthogonal():
    same, spelled, other = likenesses(
        attributes(brand="Northfield"),
        attributes(brand="Northfield"),
        attributes(brand="  northfield "),
        attributes(brand="Southfield"),
    )
    assert same == pytest.approx(1, abs=1e-5)
    assert spelled == pytest.approx(1, abs=1e-5)
    assert abs(other) < 0.6


def test_different_values_are_orthogonal_on_average():
    vectors = encode(*[attributes(brand=f"Brand {number}") for number in range(200)])
    cosines = (vectors @ vectors.T)[~np.eye(200, dtype=bool)]
    assert abs(cosines.mean()) < 0.02
    assert cosines.std() < 0.25


def test_the_deeper_two_categories_branch_the_nearer_they_are():
    sibling, cousin, stranger = np.mean(
        [
            likenesses(
                attributes(category=f"Root {n} > Tops > Jackets"),
                attributes(category=f"Root {n} > Tops > Hoodies"),
                attributes(category=f"Root {n} > Bottoms > Shorts"),
                attributes(category=f"Elsewhere {n} > Lamps > Desk lamps"),
            )
            for n in range(40)
        ],
        axis=0,
    )
    assert sibling == pytest.approx(3 / 7, abs=0.1)  # levels count 1, 2 and 4
    assert cousin == pytest.approx(1 / 7, abs=0.1)
    assert stranger == pytest.approx(0, abs=0.1)


def price_likenesses(*prices: tuple) -> list[float]:
    """Cosine of the first price block with each of the others."""
    start, stop = AttributeEncoder().blocks["price"]
    rows = encode(
        *[
            {"price": Decimal(amount), "currency": currency, **attributes(brand="A")}
            for amount, currency in prices
        ]
    )[:, start:stop]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows[1:] @ rows[0]).tolist()


def test_the_likeness_in_price_falls_with_the_ratio():
    dollars = [(amount, "USD") for amount in (20, 21, 40, 80, 200)]
    near, double, fourfold, tenfold = price_likenesses(*dollars)
    assert near > 0.97 > double > fourfold
    assert double == pytest.approx(0.6, abs=0.1)
    assert abs(tenfold) < 0.2
    assert price_likenesses((2000, "USD"), (4000, "USD"))[0] == pytest.approx(double, abs=1e-3)


def test_prices_in_two_currencies_are_not_compared():
    pairs = [
        price_likenesses((amount, "USD"), (amount, other))[0]
        for amount in (5, 20, 300)
        for other in ("EUR", "INR", "JPY", "GBP")
    ]
    assert abs(np.mean(pairs)) < 0.35
    assert max(pairs) < 0.8


def test_a_price_alone_makes_no_two_products_similar():
    contents = [ProductContent(key=str(n), title="", price=Decimal(5)) for n in range(2)]
    encoded = AttributeEncoder().encode(contents)
    assert not encoded.present.any()
    assert not encoded.vectors.any()


def test_numbers_near_in_size_are_near_and_units_count():
    near, far, other_unit = likenesses(
        attributes(weight="100 g"),
        attributes(weight="105 g"),
        attributes(weight="900 g"),
        attributes(weight="100 cm"),
    )
    assert near > 0.9
    assert near > max(far, other_unit) + 0.3


def test_a_list_shares_what_it_has_in_common_whatever_its_order():
    same, half = likenesses(
        attributes(material="wool, nylon"),
        attributes(material="Nylon, Wool"),
        attributes(material="wool"),
    )
    assert same == pytest.approx(1, abs=1e-5)
    assert 0.4 < half < 0.95


def test_a_value_that_says_no_is_no_value():
    encoder = AttributeEncoder()
    contents = [
        ProductContent(key="1", title="x", attributes={"sale": "No", "new": "false"}),
        ProductContent(key="2", title="x"),
        ProductContent(key="3", title="x", price=Decimal("0")),
    ]
    encoded = encoder.encode(contents)
    assert not encoded.present.any()
    assert not encoded.vectors.any()


def test_blocks_partition_the_row_and_hold_their_shares():
    encoder = AttributeEncoder()
    whole = {
        "attributes": {"brand": "A", "category": "B > C", "size": "L"},
        "price": Decimal("9.99"),
    }
    row = encode(whole)[0]
    stops = [0]
    for start, stop in encoder.blocks.values():
        assert start == stops[-1]
        stops.append(stop)
    assert stops[-1] == encoder.dimension == 96
    shares = {b: float((row[i:j] ** 2).sum()) for b, (i, j) in encoder.blocks.items()}
    expected = {"brand": 0.25, "category": 0.40, "other": 0.25, "price": 0.10}
    assert shares == pytest.approx(expected, abs=1e-5)


def test_a_missing_block_leaves_its_share_to_the_others():
    row = encode(attributes(brand="A", category="B"))[0]
    start, stop = AttributeEncoder().blocks["brand"]
    assert (row[start:stop] ** 2).sum() == pytest.approx(0.25 / 0.65, abs=1e-5)
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-6)


def test_another_process_makes_the_same_codes():
    script = (
        "from django.conf import settings; settings.configure()\n"
        "from similarity.catalog.content import ProductContent\n"
        "from similarity.encoders.attributes import AttributeEncoder\n"
        "c = ProductContent(key='1', title='', attributes={'brand': 'Åre', 'size': '42'})\n"
        "print(AttributeEncoder().encode([c]).vectors.tobytes().hex())\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
        cwd=".",
    )
    here = encode(attributes(brand="Åre", size="42"))
    assert printed.stdout.strip() == here.tobytes().hex()


def test_names_of_brand_and_category_can_be_set_and_shares_are_checked():
    encoder = AttributeEncoder(brand="maker", shares={"price": 0})
    contents = [
        ProductContent(key="1", title="", attributes={"maker": "A"}, price=Decimal("5")),
        ProductContent(key="2", title="", attributes={"maker": "A"}, price=Decimal("500")),
    ]
    vectors = encoder.encode(contents).vectors
    assert vectors[0] @ vectors[1] == pytest.approx(1, abs=1e-5)
    assert encoder.signature != AttributeEncoder().signature
    with pytest.raises(EncoderError, match="colour"):
        AttributeEncoder(shares={"colour": 1})
    assert encoder.encode([]).vectors.shape == (0, 96)
