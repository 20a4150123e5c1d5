"""Vectors that another app keeps: never live, built, promoted, counted or dropped as a version."""

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse
from pgvector import HalfVector

from similarity import tasks
from similarity.api import gauges
from similarity.cells import upkeep
from similarity.exceptions import VersionError
from similarity.models import EncoderVersion, PendingProduct, ProductVectors
from similarity.operations import status
from similarity.outbox import draining, reconcile
from similarity.similar.shelves import similar_to_vector
from similarity.vectors import fusions
from similarity.versions import lifecycle
from tests.host_models import Product

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(make_product):
    for word in ("one", "two", "three"):
        make_product(name=f"Product {word}")
    draining.drain()
    return list(Product.objects.order_by("pk"))


@pytest.fixture
def items(catalogue):
    """A set of vectors of three numbers; each product has a direction of its own."""
    made = EncoderVersion.objects.create(
        status="items", encoders={}, fusion=b"", weights={"fused": 1}, dimensions={"fused": 3}
    )
    ProductVectors.objects.bulk_create(
        ProductVectors(
            product=product, version=made, fused=HalfVector(row), fingerprint="id",
            group=f"product:{product.pk}",
        )
        for product, row in zip(catalogue, np.eye(3, dtype=np.float16), strict=True)
    )  # fmt: skip
    return made


def vectors_of(version):
    return ProductVectors.objects.of_version(version).count()


def test_versions_leave_it_out(items):
    live = EncoderVersion.objects.live()
    assert list(EncoderVersion.objects.all()) == [live]
    assert list(fusions.every_version().maintained()) == [live]
    assert fusions.runnable_versions() == [live]
    assert set(EncoderVersion.every.all()) == {live, items}, "a dump holds it"
    assert EncoderVersion._default_manager.count() == 2
    assert list(EncoderVersion.every.item_sets()) == [items]


def test_a_vector_finds_its_nearest_products(items, catalogue):
    hits = similar_to_vector([0.1, 1.0, 0.2], 2, version=items)
    assert [hit.key for hit in hits] == [str(catalogue[1].pk), str(catalogue[2].pk)]


def test_a_changed_product_is_embedded_for_versions_alone(items, catalogue):
    Product.objects.filter(pk=catalogue[0].pk).update(name="Product renamed")
    PendingProduct.objects.enqueue([str(catalogue[0].pk)])
    assert draining.drain() == 1
    assert draining.counts().waiting == 0
    assert vectors_of(items) == 3


def test_reconcile_finds_nothing_stale_in_it(items):
    report = reconcile.reconcile(wait=False)
    assert (report.stale, report.missing, report.orphaned) == (0, 0, 0)
    assert vectors_of(items) == 3


def test_it_goes_with_its_product(items, catalogue):
    catalogue[0].delete()
    assert vectors_of(items) == 2


def test_a_build_and_the_dropping_of_retired_versions_let_it_be(items):
    first = EncoderVersion.objects.live()
    built = lifecycle.build_version()
    assert vectors_of(built) == 3
    lifecycle.promote(built)
    assert lifecycle.drop_retired(keep=0) == [first.pk]
    assert vectors_of(items) == 3
    items.refresh_from_db()
    assert (items.status, items.retired_at) == ("items", None)


def test_the_night_makes_its_cells(items, monkeypatch):
    monkeypatch.setattr(upkeep, "ITEM_CELLS_FROM", 3)
    tasks.tidy_cells()
    assert upkeep.live(items, "default") is not None
    assert upkeep.live(EncoderVersion.objects.live(), "default") is None
    upkeep.drop(items, "default")


def test_it_cannot_be_promoted_or_rolled_back_to(items):
    with pytest.raises(VersionError, match=f"no version {items.pk}"):
        lifecycle.promote(items)
    with pytest.raises(VersionError, match="nothing to roll back"):
        lifecycle.rollback()


def test_status_and_figures_do_not_count_it(items, capsys):
    told = status.report()
    assert [version["id"] for version in told["versions"]] == [told["live_version"]]
    call_command("similarity", "status")
    assert f"ersion {items.pk}" not in capsys.readouterr().out
    found = {one.name: one.values for one in gauges.read()}
    assert [labels["version"] for labels, _ in found["vectors"]] == [str(told["live_version"])]


def test_the_admin_does_not_list_it(items, admin_client):
    page = admin_client.get(reverse("admin:similarity_encoderversion_changelist"))
    assert f"Version {items.pk}<" not in page.content.decode()
    assert f"Version {EncoderVersion.objects.live().pk}<" in page.content.decode()
    own = reverse("admin:similarity_encoderversion_change", args=[items.pk])
    assert admin_client.get(own).status_code == 302, "as any number without a version"


def test_its_owner_drops_it(items):
    lifecycle.drop(items)
    assert not EncoderVersion.every.item_sets().exists()
    assert ProductVectors.objects.count() == 3, "the live version's own"
