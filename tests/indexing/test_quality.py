"""Figures that versions are compared by, with answers worked out by hand."""

import re

import numpy as np
import pytest
from django.utils import timezone
from pgvector import HalfVector

from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, ProductVectors
from similarity.models.vectors import group_name
from similarity.orders.models import CountedItem, CountRun, ProductPartners
from similarity.vectors import indexes
from similarity.versions import gate, lifecycle, quality
from tests.encoders_fake import similarity_settings

pytestmark = pytest.mark.django_db


def make_version(status="ready", **fields):
    defaults = {
        "encoders": {},
        "fusion": b"",
        "weights": {"text": 1.0},
        "dimensions": {"fused": 2, "text": 2},
    }
    return EncoderVersion.objects.create(status=status, **{**defaults, **fields})


def put(version, product, degrees):
    angle = np.radians(degrees)
    row = HalfVector([np.cos(angle), np.sin(angle)])
    ProductVectors.objects.create(
        product=product,
        version=version,
        fused=row,
        text=row,
        group=group_name(str(product.pk), product.group),
    )


@pytest.fixture
def versions_of_both():
    return make_version("ready"), make_version("live")


def test_neighbours_are_those_of_a_full_comparison(make_product, monkeypatch):
    monkeypatch.setattr(quality, "PAGE", 7)
    rng = np.random.default_rng(5)
    version = make_version(dimensions={"fused": 6})
    rows = rng.normal(size=(40, 6)).astype(np.float16)
    products = [make_product(group="pair" if at < 2 else "") for at in range(40)]
    sold_out = make_product(stock=0)
    for product, row in zip([*products, sold_out], [*rows, rows[0]], strict=True):
        group = group_name(str(product.pk), product.group)
        ProductVectors.objects.create(
            product=product, version=version, fused=HalfVector(row), group=group
        )
    unit = rows.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    found = quality.nearest(version, "fused", [one.pk for one in products[:3]], 4)
    for at in range(3):
        order = [int(to) for to in np.argsort(-(unit @ unit[at])) if to != at]
        key = products[at].pk
        assert [one.key for one in found.all[key]] == [products[to].pk for to in order[:4]]
        others = [to for to in order if at > 1 or to > 1]
        assert [one.key for one in found.others[key]] == [products[to].pk for to in others[:4]]
    assert [found.siblings[one.pk] for one in products[:3]] == [1, 1, 0]


def test_a_version_without_the_column_has_no_neighbours(make_product):
    assert quality.nearest(make_version(), "fused", [make_product().pk], 3).others == {}


def test_shares_of_a_catalogue_known_by_hand(make_product, versions_of_both, monkeypatch):
    monkeypatch.setattr(quality, "K", 2)
    new, live = versions_of_both
    lamps = [make_product(category="Lamps") for _ in range(3)]
    chairs = [make_product(category="Chairs") for _ in range(3)]
    for at, (lamp, chair) in enumerate(zip(lamps, chairs, strict=True)):
        put(live, lamp, at)
        put(live, chair, 90 + at)
        put(new, lamp, 20 * at)  # lamp, chair, lamp, chair …
        put(new, chair, 20 * at + 10)
    figures = quality.compare(new, live)
    assert figures["with"] == live.pk
    assert figures["live"] == {"same_category": 1.0}
    # The ends have one of their own beside them, those in between none.
    assert figures["new"] == {"same_category": pytest.approx(2 / 12, abs=1e-3)}
    assert set(figures["overlap"]) == {"fused", "text"}
    assert 0 < figures["overlap"]["fused"] < 1


def test_variants_and_what_is_bought_together(make_product, monkeypatch):
    monkeypatch.setattr(quality, "K", 2)
    version = make_version()
    shirts = [make_product(group="shirt") for _ in range(2)]
    trousers, hat = make_product(), make_product()
    for product, degrees in zip([*shirts, trousers, hat], [0, 30, 10, 60], strict=True):
        put(version, product, degrees)
    names = ["group:shirt", f"product:{trousers.pk}", f"product:{hat.pk}"]
    for number, name in enumerate(names):
        CountedItem.objects.create(number=number, name=name)
    for number, partner, shoppers in ((0, 1, 9), (1, 0, 9), (2, 0, 1)):
        ProductPartners.objects.create(
            number=number, partners=[partner], weights=[1], orders=[9], shoppers=[shoppers]
        )
    CountRun.objects.create(
        pk=1, reference_day=timezone.now().date(), half_life_days=1, window_days=1,
        max_basket=9, full_at=timezone.now(), counted_at=timezone.now(),
    )  # fmt: skip
    found = quality.compare(version, None)["new"]
    assert found["variants"] == 1.0
    # The hat's only pair has too few shoppers to count.
    assert found["bought_together"] == 1.0
    assert quality.measures(quality.nearest(version, "fused", [], 2)) == {}


def test_a_worse_version_is_refused_with_its_figures(make_product, settings, monkeypatch):
    settings.SIMILARITY = similarity_settings()
    for number in range(24):
        make_product(name=f"{['lamp', 'chair'][number % 2]} {number}",
                     category=["Lamps", "Chairs"][number % 2])  # fmt: skip
    lifecycle.ensure_live_version()
    settings.SIMILARITY = similarity_settings(weights={"text": 1.0, "attributes": 1e-6})
    ready = lifecycle.build_version()
    figures = ready.figures["quality"]
    ready.figures["quality"] = {**figures, "new": {"same_category": 0.4}, "overlap": {"fused": 0.1}}
    ready.save()
    lines = {line.name: line for line in lifecycle.gate_of(ready)}
    assert lines["neighbours in both versions"].state == gate.WARNING
    with pytest.raises(VersionError, match=r"40.0 % \(live .*points less"):
        lifecycle.promote(ready)
    monkeypatch.setitem(gate._MEASURES, "same_category", ("of the same category", 0.9))
    assert lifecycle.promote(ready).status == "live"


def test_the_table_names_state_and_limit(make_product, settings):
    settings.SIMILARITY = similarity_settings()
    make_product()
    lifecycle.ensure_live_version()
    ready = lifecycle.build_version()
    indexes.drop_indexes(ready)
    text = gate.table(lifecycle.gate_of(ready))
    assert "NO  indexes" in text
    assert re.search(r"1 of 1 \(100.0 %\) +100.0 %", text)
    assert "at least 95.0 %" in text
