import pytest
from django.urls import reverse


@pytest.mark.parametrize("model", ["product", "category", "brand", "order", "customer"])
def test_lists_and_search(staff, make_product, add_photo, model):
    add_photo(make_product())
    address = reverse(f"admin:shop_{model}_changelist")
    assert staff.get(address).status_code == 200
    assert staff.get(address, {"q": "Northfield"}).status_code == 200


def test_product_form_shows_its_photos(staff, make_product, add_photo):
    photo = add_photo(make_product())
    page = staff.get(reverse("admin:shop_product_change", args=[photo.product_id]))
    assert f'src="{photo.image.url}"' in page.content.decode()


def test_product_list_has_a_bounded_number_of_queries(
    staff, make_product, add_photo, django_assert_max_num_queries
):
    for _ in range(20):
        add_photo(make_product())
    with django_assert_max_num_queries(14):
        staff.get(reverse("admin:shop_product_changelist"))
