"""The fingerprint decides whether a model runs, so what it covers matters."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from similarity.catalog.content import ImageRef, ProductContent


def image(name="a.png", etag="1") -> ImageRef:
    return ImageRef(name=name, read=lambda limit: b"", etag=etag)


CONTENT = ProductContent(
    key="1",
    title="Linen shirt",
    description="Cool in summer.",
    attributes={"brand": "Northfield", "colour": "white"},
    price=Decimal("39.00"),
    currency="EUR",
    images=[image()],
    group="g1",
)


def test_fingerprint_is_the_same_in_every_process():
    """The SHA-256 of `["Mug","",[],[],""]`: a change here re-embeds every shop at its next save."""
    assert ProductContent(key="1", title="Mug").fingerprint == (
        "04c58763e7241d30cee278862e0b29c8f36665efa0845281e6a3237a151bd4ba"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Linen dress"},
        {"description": "Warm in winter."},
        {"attributes": {"brand": "Northfield", "colour": "navy"}},
        {"images": [image("b.png")]},
        {"images": [image(etag="2")]},
        {"images": []},
        {"group": "g2"},
    ],
)
def test_fingerprint_changes_with_what_encoders_read(change):
    assert replace(CONTENT, **change).fingerprint != CONTENT.fingerprint


def test_fingerprint_ignores_price_and_order_of_attributes():
    """A sale may not re-embed the shop."""
    same = replace(
        CONTENT,
        price=Decimal("19.00"),
        attributes={"colour": "white", "brand": "Northfield"},
    )
    assert same.fingerprint == CONTENT.fingerprint


@given(st.text(), st.text())
def test_no_text_collides_by_moving_between_fields(title, description):
    """Also for lone surrogates and NUL, which a careless import can bring."""
    one = ProductContent(key="1", title=title, description=description)
    other = ProductContent(key="1", title=title + description, description="")
    assert (one.fingerprint == other.fingerprint) == (description == "")
