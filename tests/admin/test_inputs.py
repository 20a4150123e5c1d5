"""Products of which something counts as absent, in the admin."""

import pytest
from django.urls import reverse

from similarity.models import ProductInputs

pytestmark = pytest.mark.django_db


def test_only_those_are_listed_and_nothing_can_be_changed(admin_client, make_product):
    lacking, whole = make_product(), make_product()
    for product, absent in ((lacking, [8]), (whole, [])):
        ProductInputs.objects.create(
            product=product, group=1, kinds=[1], names=[8], absent=absent, incomplete=bool(absent)
        )
    listed = admin_client.get(reverse("admin:similarity_productinputs_changelist"))
    assert listed.status_code == 200
    rows = listed.context["cl"].result_list
    assert [row.product_id for row in rows] == [lacking.pk]
    change = reverse("admin:host_product_change", args=[lacking.pk]).encode()
    assert change in listed.content
    assert admin_client.get(reverse("admin:similarity_productinputs_add")).status_code == 403
