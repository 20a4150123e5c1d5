"""Adapters are an extension point: one contract, kept by the default one and by a host's own."""

import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from similarity.catalog.adapter import CatalogAdapter, get_adapter
from similarity.catalog.content import ProductContent
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.exceptions import ConfigurationError
from similarity.similar.shelves import similar_to
from tests.fixtures_replica import with_replica  # noqa: F401 - a fixture

MAPPING = {
    "title": "name",
    "description": "description",
    "images": "images__image",
    "price": "price",
    "currency": "currency",
    "group": "group",
    "attributes": {"brand": "brand__name", "category": "category__path", "*": "attributes"},
    "eligible": {"is_active": True, "stock__gt": 0},
    "in_stock": {"stock__gt": 0},
}


class HandWrittenAdapter(CatalogAdapter):
    """What a host would write for a model that no mapping fits."""

    def content(self, keys):
        for product in self.model.objects.filter(pk__in=list(keys)):
            yield ProductContent(key=str(product.pk), title=product.name.upper())

    def eligible(self, request=None):
        return self.model.objects.filter(is_active=True, stock__gt=0)


@pytest.fixture(params=["mapping", "hand-written"])
def adapter(request):
    return (
        HandWrittenAdapter() if request.param == "hand-written" else FieldMappingAdapter(**MAPPING)
    )


class TestContract:
    def test_content_has_one_entry_for_each_product_that_exists(self, adapter, make_product):
        products = [make_product(), make_product(is_active=False)]
        keys = [str(product.pk) for product in products]
        found = {content.key: content for content in adapter.content([*keys, "999999"])}
        assert sorted(found) == sorted(keys)
        assert all(content.title for content in found.values())

    def test_content_of_nothing_is_nothing(self, adapter, db):
        assert list(adapter.content([])) == []

    def test_eligible_is_a_lazy_queryset_of_what_may_be_shown(self, adapter, make_product):
        shown = make_product()
        make_product(stock=0)
        make_product(is_active=False)
        assert list(adapter.eligible()) == [shown]
        assert adapter.in_stock(adapter.eligible()).count() == 1

    def test_keys_come_in_order_and_end(self, adapter, make_product):
        pks = [make_product().pk for _ in range(5)]
        seen, after = [], None
        while page := adapter.iter_pks(after, size=2):
            seen, after = [*seen, *page], page[-1]
        assert seen == pks


class TestFieldMapping:
    def test_reads_fields_relations_json_and_photos(self, make_product, photo):
        product = make_product(
            name="Wool coat",
            attributes={"colour": "navy", "sizes": ["S", "M"], "lined": True, "empty": ""},
            group="coat",
            price=Decimal("120.50"),
        )
        for position in range(6):
            product.images.create(image=photo(), position=position)
        content = next(FieldMappingAdapter(**MAPPING).content([product.pk]))
        assert content.title == "Wool coat"
        assert content.attributes == {
            "brand": "Northfield",
            "category": "Clothing",
            "colour": "navy",
            "sizes": "S, M",
            "lined": "yes",
        }
        assert (content.price, content.currency, content.group) == (
            Decimal("120.50"),
            "EUR",
            "coat",
        )
        assert len(content.images) == 4, "IMAGES_PER_PRODUCT bounds the work for one product"
        assert content.images[0].read(7) == b"\x89PNG\r\n\x1a\n"

    def test_a_batch_costs_two_queries(self, make_product, photo, django_assert_num_queries):
        """One for products with brand and category, one for photos; not one for each product."""
        pks = [make_product().pk for _ in range(10)]
        with django_assert_num_queries(2):
            list(FieldMappingAdapter(**MAPPING).content(pks))

    def test_missing_relations_and_values_are_left_out(self, make_product):
        product = make_product(brand=None, description="")
        content = next(FieldMappingAdapter(**MAPPING).content([product.pk]))
        assert "brand" not in content.attributes
        assert content.description == ""
        assert content.images == []

    def test_a_photo_replaced_under_its_name_changes_the_fingerprint(self, make_product, photo):
        product = make_product()
        stored = product.images.create(image=photo())
        adapter = FieldMappingAdapter(**MAPPING)
        before = next(adapter.content([product.pk])).fingerprint
        os.utime(stored.image.path, (1, 1))
        assert next(adapter.content([product.pk])).fingerprint != before

    def test_a_photo_gone_from_storage_is_an_os_error_when_read(self, make_product, photo):
        product = make_product()
        stored = product.images.create(image=photo())
        stored.image.storage.delete(stored.image.name)
        content = next(FieldMappingAdapter(**MAPPING).content([product.pk]))
        with pytest.raises(OSError, match=r"navy.*\.png"):
            content.images[0].read(10)

    def test_addresses_on_other_hosts_are_never_read(self, make_product):
        """The plugin fetches nothing from the network: a feed could name any address."""
        product = make_product(description="https://internal.example/secret.png")
        adapter = FieldMappingAdapter(**{**MAPPING, "images": "description"})
        assert next(adapter.content([product.pk])).images == []

    def test_dependents_of_related_rows(self, make_product, photo):
        one, other = make_product(), make_product(brand="Southfield")
        stored = one.images.create(image=photo())
        adapter = FieldMappingAdapter(**MAPPING)
        assert list(adapter.dependents(one.brand)) == [one.pk]
        assert list(adapter.dependents(stored)) == [one.pk]
        assert sorted(adapter.dependents(one.category)) == sorted([one.pk, other.pk])

    def test_a_property_is_read_but_is_no_filter(self, make_product):
        adapter = FieldMappingAdapter(**{**MAPPING, "attributes": {"stocked": "in_stock"}})
        content = next(adapter.content([make_product().pk]))
        assert content.attributes == {"stocked": "yes"}
        assert adapter.filter_by("stocked", ["yes"]) is None
        assert adapter.annotate_value(adapter.eligible(), "stocked") is None

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ({"titel": "name"}, "unknown key 'titel'; known are title"),
            ({"title": 3}, r"\['title'\] is 3; it must be a path"),
            ({"title": []}, r"\['title'\] is an empty list"),
            ({"price": {"mean": "price"}}, r"\['price'\] is .* one of first, min, max, all"),
            ({"attributes": {"brand": {"first": 3}}}, r"\['brand'\] has 'first': 3"),
            ({"eligible": 3}, r"\['eligible'\] is 3; it must be a dict of lookups, a Q"),
            ({"attributes": "brand"}, r"\['attributes'\] is 'brand'; it must be a dict"),
        ],
    )
    def test_a_wrong_mapping_says_what_to_change(self, mapping, message):
        with pytest.raises(ConfigurationError, match=message):
            FieldMappingAdapter(**mapping)


class TestGetAdapter:
    def test_one_serves_until_a_setting_changes(self, settings):
        first = get_adapter()
        with ThreadPoolExecutor(4) as pool:
            assert {id(adapter) for adapter in pool.map(lambda _n: get_adapter(), range(8))} == {
                id(first)
            }
        settings.SIMILARITY = {**settings.SIMILARITY, "CATALOG": {"title": "sku"}}
        assert get_adapter().mapping["title"] == "sku"

    @override_settings(SIMILARITY={"CATALOG": f"{__name__}.HandWrittenAdapter"})
    def test_by_dotted_path(self):
        assert isinstance(get_adapter(), HandWrittenAdapter)

    @override_settings(SIMILARITY={"CATALOG": "tests.nowhere.Adapter"})
    def test_a_path_that_cannot_be_imported(self):
        with pytest.raises(ConfigurationError, match=r"'tests\.nowhere\.Adapter'"):
            get_adapter()

    @override_settings(SIMILARITY={"CATALOG": "django.contrib.auth.get_user_model"})
    def test_a_path_to_something_else(self):
        assert get_user_model
        with pytest.raises(ConfigurationError, match="not a CatalogAdapter"):
            get_adapter()

    @override_settings(SIMILARITY={"CATALOG": 3})
    def test_neither_dict_nor_path(self):
        with pytest.raises(ConfigurationError, match="CATALOG'] is 3"):
            get_adapter()


class TestReplicas:
    """A replica lags behind: a worker that read there would embed what was before the save."""

    def test_content_and_keys_are_read_where_products_are_written(
        self,
        make_product,
        photo,
        with_replica,  # noqa: F811
    ):
        product = make_product(name="Wool coat")
        product.images.create(image=photo())
        with_replica()
        adapter = FieldMappingAdapter(**MAPPING)
        content = next(adapter.content([product.pk]))
        assert (content.title, content.attributes["brand"]) == ("Wool coat", "Northfield")
        assert len(content.images) == 1
        assert adapter.iter_pks() == [product.pk]

    def test_what_is_shown_may_come_from_the_replica(self, make_product, with_replica):  # noqa: F811
        with_replica()
        adapter = FieldMappingAdapter(**MAPPING)
        assert adapter.eligible().db == "replica"
        assert adapter.for_display(adapter.eligible()).db == "replica"


class TestGroups:
    """Variants are told apart from strangers also where no vectors say so."""

    def test_a_column_is_read_alone(self, make_product, django_assert_num_queries):
        variants, alone = [make_product(group="coat") for _ in range(2)], make_product()
        adapter = FieldMappingAdapter(**MAPPING)
        with django_assert_num_queries(1):
            groups = adapter.groups([*(p.pk for p in variants), alone.pk, 999999])
        assert groups == {variants[0].pk: "coat", variants[1].pk: "coat", alone.pk: ""}

    def test_without_a_group_nothing_is_asked(self, make_product, django_assert_num_queries):
        mapping = {key: path for key, path in MAPPING.items() if key != "group"}
        product = make_product(group="coat")
        with django_assert_num_queries(0):
            assert FieldMappingAdapter(**mapping).groups([product.pk]) == {}

    def test_a_property_is_read_by_way_of_the_content(self, make_product):
        product = make_product()
        adapter = FieldMappingAdapter(**{**MAPPING, "group": "in_stock"})
        assert adapter.groups([product.pk]) == {product.pk: "yes"}

    def test_an_adapter_without_groups_of_its_own_reads_the_content(self, make_product):
        product = make_product(group="coat")
        assert HandWrittenAdapter().groups([product.pk]) == {product.pk: ""}


class BestSellers(HandWrittenAdapter):
    """Sells most what costs most; what is cheap never sold."""

    def popular(self, products):
        return products.filter(price__gte=20).order_by("-price", "pk")


class TestPopular:
    def test_the_adapters_of_the_plugin_do_not_say(self, adapter, db):
        assert adapter.popular(adapter.eligible()) is None

    @override_settings(SIMILARITY={"CATALOG": f"{__name__}.BestSellers"})
    def test_best_sellers_fill_a_shelf_that_vectors_cannot(self, make_product):
        source, cheap, dear, dearest = (make_product(price=price) for price in (50, 5, 30, 90))
        sold_out = make_product(price=95, stock=0)
        hits = similar_to(source, 8, fill=True)
        assert [hit.product for hit in hits] == [dearest, dear, cheap]
        assert [hit.tier for hit in hits] == ["popular", "popular", "newest"]
        assert sold_out not in [hit.product for hit in hits]

    @override_settings(SIMILARITY={"CATALOG": f"{__name__}.SellsAList"})
    def test_something_else_than_a_queryset_is_named(self, make_product):
        with pytest.raises(ConfigurationError, match=r"SellsAList\.popular\(\) returned \[\]"):
            similar_to(make_product(), 8, fill=True)


class SellsAList(HandWrittenAdapter):
    def popular(self, products):
        return []
