"""Changes that no signal tells of, with a real worker and beat at work."""

import pytest
from django.db import connection

from similarity.capture import triggers
from similarity.models import PendingProduct, ProductVectors, ReconcileRound
from similarity.versions import lifecycle
from tests.fixtures_indexing import fake_encoders  # noqa: F401
from tests.host.models import Brand, Category, Product
from tests.worker_process import wait_for, worker

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.mark.usefixtures("fake_encoders")
def test_bulk_changes_and_raw_sql_are_embedded(make_product, tmp_path):
    """What ``bulk_create`` made is found by a round; a change by SQL right after by a trigger."""
    make_product()
    lifecycle.ensure_live_version()
    category, brand = Category.objects.get(), Brand.objects.get()
    made = Product.objects.bulk_create(
        Product(sku=f"B{at}", name="Bulk", slug=f"b{at}", category=category, brand=brand, price=1)
        for at in range(50)
    )
    vectors = ProductVectors.objects.filter(product__in=made)
    assert not vectors.exists()
    beat = ("-B", "-s", str(tmp_path / "beat"))
    with worker(tmp_path, *beat, WORKER_RECONCILES="1") as process:
        wait_for(lambda: vectors.count() == 50, 60, process)
        wait_for(ReconcileRound.objects.exclude(finished_at=None).exists, 30, process)
        wait_for(lambda: not PendingProduct.objects.exists(), 30, process)
        before = set(vectors.values_list("fingerprint", flat=True))
        triggers.install()
        try:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE host_brand SET name = 'Renamed by SQL'")
            wait_for(
                lambda: not before & set(vectors.values_list("fingerprint", flat=True)), 60, process
            )
        finally:
            triggers.uninstall()
