"""Every page and action of the admin is really called."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.admin import products as product_actions
from similarity.models import PendingProduct
from tests.fixtures_indexing import wakeups  # noqa: F401
from tests.host.models import Product

pytestmark = pytest.mark.django_db

PRODUCTS = reverse("admin:host_product_changelist")
OUTBOX = reverse("admin:similarity_pendingproduct_changelist")
PROGRESS = reverse("admin:similarity_pendingproduct_progress")


@pytest.fixture
def woken(wakeups):  # noqa: F811
    """Wake-ups sent to the broker."""
    return wakeups


@pytest.fixture
def staff(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


def act(client, address, action, rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "index": 0, **more}
    return client.post(address, data, follow=True)


def pending():
    return set(PendingProduct.objects.values_list("product_key", flat=True))


def someone_with(*codenames):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def test_reembed_selected_enqueues_these_and_shows_progress(
    staff, make_product, woken, django_capture_on_commit_callbacks
):
    products = [make_product() for _ in range(3)]
    PendingProduct.objects.all().delete()
    connection.run_on_commit.clear()  # the saves above have asked for a wake-up already
    with django_capture_on_commit_callbacks(execute=True):
        response = act(staff, PRODUCTS, "reembed_selected", products[:2])
    assert response.redirect_chain[-1][0] == f"{PROGRESS}?of=2"
    assert pending() == {str(product.pk) for product in products[:2]}
    assert all(PendingProduct.objects.values_list("force", flat=True))
    assert woken
    assert 'http-equiv="refresh"' in response.content.decode()


def test_reembed_matching_takes_all_that_the_filters_leave(staff, make_product, woken):
    found = [make_product(name=f"Wool scarf {number}") for number in range(3)]
    make_product(name="Linen shirt")
    PendingProduct.objects.all().delete()
    act(staff, f"{PRODUCTS}?q=scarf", "reembed_matching", found[:1])
    assert pending() == {str(product.pk) for product in found}


def test_reembed_matching_runs_no_query_for_each_product(
    staff, make_product, woken, django_assert_max_num_queries
):
    first = make_product()
    Product.objects.bulk_create(
        Product(
            sku=f"B{number}",
            slug=f"b{number}",
            name=f"B {number}",
            price=1,
            category=first.category,
        )
        for number in range(12_000)
    )
    with django_assert_max_num_queries(40):
        act(staff, PRODUCTS, "reembed_matching", [first])
    assert PendingProduct.objects.count() == 12_001


def test_without_change_permission_there_is_no_action(make_product):
    product = make_product()
    PendingProduct.objects.all().delete()
    client = someone_with("view_product")
    assert b"reembed" not in client.get(PRODUCTS).content
    act(client, PRODUCTS, "reembed_selected", [product])
    assert pending() == set()
    assert client.get(PROGRESS).status_code == 403


def test_change_permission_on_products_is_enough(make_product, woken):
    product = make_product()
    client = someone_with("view_product", "change_product")
    response = act(client, PRODUCTS, "reembed_selected", [product])
    assert response.status_code == 200
    assert pending() == {str(product.pk)}


def test_actions_are_on_the_product_pages_only(staff):
    assert b"reembed" in staff.get(PRODUCTS).content or not Product.objects.exists()
    model_admin = admin.site._registry[User]
    assert not set(product_actions.ACTIONS) & set(model_admin.actions)
    assert set(product_actions.ACTIONS) <= set(admin.site._registry[Product].actions)


def test_late_product_admin_is_warned_of_and_the_mixin_cures_it(rf, admin_user):
    late, cured = admin.AdminSite("late"), admin.AdminSite("cured")
    late.register(Product, type("LateAdmin", (admin.ModelAdmin,), {}))
    cured.register(
        Product, type("CuredAdmin", (product_actions.ReembedMixin, admin.ModelAdmin), {})
    )
    warned = [m for m in product_actions.check_actions() if m.id == "similarity.W043"]
    assert [message.obj.__name__ for message in warned] == ["LateAdmin"]
    request = rf.get("/")
    request.user = admin_user
    assert "reembed_selected" in cured._registry[Product].get_actions(request)
    product_actions.add_actions()
    assert product_actions.check_actions() == []


def test_progress_counts_down_and_stops_reloading(staff):
    PendingProduct.objects.enqueue(["1", "2", "3"])
    html = staff.get(PROGRESS, {"of": "12"}).content.decode()
    assert "<strong>9</strong> of 12 done (75 %)" in html
    assert '<progress max="12" value="9"' in html
    PendingProduct.objects.all().delete()
    html = staff.get(PROGRESS, {"of": "12"}).content.decode()
    assert "no product is waiting" in html
    assert 'http-equiv="refresh"' not in html


@pytest.mark.parametrize("of", ["", "x", "-1", "²", "9" * 30])
def test_progress_with_a_meddled_total(staff, of):
    assert staff.get(PROGRESS, {"of": of}).status_code == 200


@pytest.fixture
def rows():
    now = timezone.now()
    later, earlier = now + dt.timedelta(hours=1), now - dt.timedelta(minutes=1)
    make = PendingProduct.objects.create
    return {
        "due": make(product_key="due-1", available_at=earlier),
        "leased": make(product_key="leased-1", available_at=earlier, lease_until=later),
        "later": make(product_key="later-1", available_at=later, attempts=1, last_error="broke"),
        "dead": make(product_key="dead-1", dead=True, attempts=8, last_error="<i>no image</i>"),
    }


@pytest.mark.parametrize("state", ["due", "leased", "later", "dead"])
def test_outbox_filters_by_state(staff, rows, state):
    html = staff.get(OUTBOX, {"state": state}).content.decode()
    assert [name for name in rows if f"{name}-1" in html] == [state]


def test_outbox_shows_errors_escaped_and_search_finds_them(staff, rows):
    html = staff.get(OUTBOX, {"q": "image"}).content.decode()
    assert "&lt;i&gt;no image" in html
    assert "due-1" not in html
    assert staff.get(OUTBOX, {"state": "nonsense"}).status_code == 302


def test_retry_makes_rows_due_and_wakes_a_worker(
    staff, rows, woken, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        act(staff, OUTBOX, "retry", rows.values())
    assert not PendingProduct.objects.dead().exists()
    assert rows["dead"] in PendingProduct.objects.due()
    assert PendingProduct.objects.get(product_key="leased-1").lease_until is not None
    assert woken


def test_outbox_cannot_be_added_to_deleted_from_or_edited(staff, rows):
    row = rows["dead"]
    change = reverse("admin:similarity_pendingproduct_change", args=[row.pk])
    assert staff.get(change).status_code == 200
    staff.post(change, {"product_key": "other"})
    row.refresh_from_db()
    assert row.product_key == "dead-1"
    assert staff.get(f"{OUTBOX}add/").status_code == 403
    delete = reverse("admin:similarity_pendingproduct_delete", args=[row.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403


def test_retry_needs_permission(rows):
    client = someone_with("view_pendingproduct")
    act(client, OUTBOX, "retry", [rows["dead"]])
    assert PendingProduct.objects.dead().exists()
