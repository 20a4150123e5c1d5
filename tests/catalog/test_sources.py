"""Of several values one is chosen by a named rule, in Python as in the database."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Q
from django.utils.translation import get_language, override

import similarity
from similarity.catalog.adapter import PRICE, VALUE, CatalogAdapter
from similarity.catalog.content import ProductContent
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.exceptions import ConfigurationError
from similarity.similar.filters import filter_products


def adapter_of(**mapping):
    return FieldMappingAdapter(**{"title": "name", **mapping})


@pytest.fixture
def with_rows(make_product):
    """A product with a row for each (position, text); rows are photos, which any shop has."""

    def make(*rows, **fields):
        product = make_product(**fields)
        for position, text in rows:
            product.images.create(image=f"{text}.png", position=position, alt=text)
        return product

    return make


def both(adapter, key, product):
    """What Python reads of the product, and the database."""
    [(_pk, value)] = adapter.annotate_value(
        adapter.model.objects.filter(pk=product.pk), key
    ).values_list("pk", VALUE)
    return next(adapter.content([product.pk])).attributes.get(key, ""), value


class TestRules:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ({"first": "images__alt"}, "M"),
            ({"min": "images__alt"}, "L"),
            ({"max": "images__alt"}, "S"),
            ({"first": "images__alt", "where": {"position": 3}}, "L"),
            ({"first": "images__alt", "where": {"position": [3, 2]}}, "S"),
            ({"first": "images__alt", "where": {"product__name": "Other"}}, None),
            (["category__slug", "name"], "clothing"),
            (["description", "brand__name"], "Northfield"),
            ([{"first": "images__alt", "where": {"position": 9}}, "name"], "Shirt"),
        ],
    )
    def test_python_and_the_database_choose_the_same(self, with_rows, source, expected):
        product = with_rows((2, "S"), (1, "M"), (3, "L"), name="Shirt", description="")
        adapter = adapter_of(attributes={"size": source})
        assert both(adapter, "size", product) == (expected or "", expected)

    def test_all_values_are_joined_and_each_is_a_value_of_the_facet(self, with_rows):
        product = with_rows((1, "S"), (2, ""), (3, "L"))
        adapter = adapter_of(attributes={"size": {"all": "images__alt"}})
        assert both(adapter, "size", product) == ("S, L", ["S", "L"])
        assert adapter.values_of("size", adapter.model.objects.all()) == {product.pk: ["S", "L"]}

    @pytest.mark.parametrize("rule", ["first", "min", "max", "all"])
    def test_filters_find_what_the_rule_shows(self, with_rows, rule):
        one, _other = with_rows((1, "S"), (2, "L")), with_rows((1, "M"))
        adapter = adapter_of(attributes={"size": {rule: "images__alt"}})
        for value in adapter.values_of("size", adapter.model.objects.all())[one.pk]:
            assert list(adapter.model.objects.filter(adapter.filter_by("size", [value]))) == [one]
        nothing = adapter.filter_by("size", ["XL"])
        assert not adapter.model.objects.filter(nothing).exists()

    def test_a_product_without_rows_has_no_value(self, make_product):
        product = make_product()
        adapter = adapter_of(price={"min": "images__position"}, attributes={"size": "images__alt"})
        content = next(adapter.content([product.pk]))
        assert content.price is None
        assert "size" not in content.attributes
        assert list(adapter.filter_price(adapter.model.objects.all(), low=0)) == []

    def test_rows_without_an_order_come_by_their_key(self, with_rows, monkeypatch):
        from tests.host.models import ProductImage

        product = with_rows((1, "S"), (1, "M"), (1, "L"))
        last = product.images.last()
        product.images.filter(alt="S").update(position=1)  # moves the row behind the others
        monkeypatch.setattr(ProductImage._meta, "ordering", [])
        adapter = adapter_of(attributes={"size": {"first": "images__alt"}})
        assert both(adapter, "size", product) == ("S", "S")
        assert last.alt == "L"


class TestWhatIsOneValue:
    """A path to several rows gives price, currency, group, title and category no joined text."""

    def test_none_is_several_joined(self, with_rows):
        product = with_rows((10, "Red"), (30, "Blue"))
        adapter = adapter_of(
            title="images__alt",
            price="images__position",
            currency="images__alt",
            group="images__alt",
            attributes={"category": "images__alt"},
        )
        read = next(adapter.content([product.pk]))
        assert (read.title, read.price, read.currency) == ("Red", Decimal(10), "Red")
        assert (read.group, read.attributes["category"]) == ("Red", "Red")
        assert adapter.groups([product.pk]) == {product.pk: "Red"}
        assert adapter.card(product).price == Decimal(10)

    def test_a_list_in_json_is_several_values_too(self, make_product):
        product = make_product(attributes={"category": ["A > B", "C"], "sizes": ["S", "M"]})
        for attributes in ({"*": "attributes"}, {"category": "attributes__category"}):
            read = next(adapter_of(attributes=attributes).content([product.pk]))
            assert read.attributes["category"] == "A > B"
        assert (
            next(adapter_of(attributes={"*": "attributes"}).content([product.pk])).attributes[
                "sizes"
            ]
            == "S, M"
        )

    def test_a_product_is_found_in_each_of_its_categories(self, with_rows):
        product = with_rows((1, "Books > Fiction"), (2, "Gifts"))
        adapter = adapter_of(attributes={"category": "images__alt"})
        for value in ("Books", "Books > Fiction", "Gifts"):
            found = adapter.model.objects.filter(adapter.filter_by("category", [value]))
            assert list(found) == [product], value
        assert not adapter.model.objects.filter(adapter.filter_by("category", ["Book"])).exists()
        named = adapter.values_of("category", adapter.model.objects.all())
        assert named == {product.pk: ["Books > Fiction", "Gifts"]}


class TestPrice:
    def test_both_bounds_meet_on_one_row(self, with_rows):
        """Of a product that costs 1 or 10, neither is from 2 to 3."""
        product = with_rows((1, "a"), (10, "b"))
        adapter = adapter_of(price={"min": "images__position"})
        every = adapter.model.objects.all()
        assert list(adapter.filter_price(every, 2, 3)) == []
        assert list(adapter.filter_price(every, 1, 3)) == [product]

    def test_each_product_comes_once_with_its_price(self, with_rows):
        with_rows((1, "a"), (10, "b"))
        adapter = adapter_of(price={"max": "images__position"})
        priced = adapter.annotate_price(adapter.model.objects.all())
        assert list(priced.values_list(PRICE, flat=True)) == [10]

    def test_a_property_is_no_price_that_the_database_knows(self, db):
        adapter = adapter_of(price="in_stock")
        assert not adapter.has_price
        assert PRICE not in adapter.annotate_price(adapter.model.objects.all()).query.annotations


class TestNarrowing:
    """``eligible`` and ``in_stock``: a dict, a Q, or a function of (products, request)."""

    @pytest.mark.parametrize(
        "eligible",
        [
            {"is_active": True, "images__position__gt": 0},
            Q(is_active=True) & Q(images__position__gt=0),
            f"{__name__}.with_rows_of_the_shop",
            lambda products, request: with_rows_of_the_shop(products, request),
        ],
    )
    @pytest.mark.parametrize("key", ["eligible", "in_stock"])
    def test_a_product_passes_once_however_many_rows_it_has(self, with_rows, eligible, key):
        shown = with_rows((1, "a"), (2, "b"))
        with_rows((1, "a"), is_active=False)
        with_rows((0, "a"))
        adapter = adapter_of(**{key: eligible})
        assert list(adapter.in_stock(adapter.eligible())) == [shown]

    def test_a_function_sees_the_request(self, make_product, rf):
        one, _other = make_product(brand="Halden"), make_product()
        adapter = adapter_of(
            eligible=lambda products, request: products.filter(brand__name=request.GET["brand"])
        )
        assert list(adapter.eligible(rf.get("/", {"brand": "Halden"}))) == [one]

    def test_a_function_that_gives_no_queryset_is_named(self, make_product):
        adapter = adapter_of(eligible=lambda products, request: [make_product()])
        with pytest.raises(
            ConfigurationError, match=r"\['eligible'\].*return the products narrowed"
        ):
            adapter.eligible()


def with_rows_of_the_shop(products, request):
    return products.filter(is_active=True, images__position__gt=0).distinct()


class TagsOnly(CatalogAdapter):
    """Filters by code; no column holds what it filters by."""

    def content(self, keys):
        for product in self.model.objects.filter(pk__in=list(keys)):
            attributes = {"fit": "slim" if "slim" in product.name else "wide"}
            yield ProductContent(str(product.pk), product.name, attributes=attributes)

    def eligible(self, request=None):
        return self.model.objects.filter(is_active=True)

    def filter_names(self):
        return ["fit"]

    def filter_by(self, name, values):
        if name != "fit":
            return None
        slim, wide = Q(name__contains="slim"), ~Q(name__contains="slim")
        return {("slim",): slim, ("wide",): wide}.get(tuple(values), Q())


def test_values_of_an_adapter_without_annotations_come_from_the_content(make_product, settings):
    settings.SIMILARITY = {"CATALOG": f"{__name__}.TagsOnly"}
    slim, wide = make_product(name="slim jeans"), make_product(name="jeans")
    adapter = TagsOnly()
    assert adapter.values_of("fit", adapter.eligible()) == {slim.pk: ["slim"], wide.pk: ["wide"]}
    assert adapter.values_of("colour", adapter.eligible()) == {}


@pytest.mark.parametrize("facet", ["fit", "nothing"])
def test_an_attribute_that_no_query_can_tell_is_no_facet(client, make_product, settings, facet):
    settings.SIMILARITY = {"CATALOG": f"{__name__}.TagsOnly"}
    slim, wide = make_product(name="slim jeans"), make_product(name="jeans")
    adapter = TagsOnly()
    assert list(filter_products(adapter.eligible(), {"fit": ["wide"]}, adapter)) == [wide]
    address = f"/api/similarity/v1/products/{slim.pk}/similar/"
    assert client.get(address, {"fit": "wide"}).status_code == 200
    refused = client.get("/api/similarity/v1/search/", {"q": "jeans", "facets": facet})
    assert refused.status_code == 400
    assert "here is no facet" in refused.json()["error"]["message"]
    refused = client.get("/api/similarity/v1/search/", {"q": "jeans", "sort": "price"})
    assert refused.status_code == 400


class Translated(TagsOnly):
    """Titles in the active language, as fields of translation packages give them."""

    def content(self, keys):
        for key in keys:
            yield ProductContent(str(key), f"mug in {get_language()}", group=get_language())


@pytest.mark.parametrize("language", ["de", "fr", None])
def test_content_is_read_in_the_language_of_the_site(settings, language):
    with override(language):
        [read] = Translated().read_content([1])
        assert read.title == f"mug in {settings.LANGUAGE_CODE}"
        assert Translated().groups([1]) == {1: settings.LANGUAGE_CODE}
        assert get_language() == language


def test_every_reader_reads_in_that_language():
    """``content`` itself is called in one place."""
    plugin = Path(similarity.__file__).parent
    direct = re.compile(r"(?<!super\(\))\.content\(")
    calls = {path.name for path in plugin.rglob("*.py") if direct.search(path.read_text())}
    assert calls == {"adapter.py"}
