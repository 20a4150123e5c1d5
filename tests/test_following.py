"""Signals and triggers follow the same changes: by table and relation, never by class."""

# ruff: noqa: DJ008 - nobody reads these rows

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.db.models import signals as django_signals
from django.test.utils import isolate_apps
from django.utils import timezone

from similarity import conf, signals
from similarity.capture import mode, triggers
from similarity.models import PendingProduct
from similarity.orders.mapping import MappedOrders
from tests.encoders_fake import similarity_settings

pytestmark = pytest.mark.django_db

CATALOG = {
    "title": "title",
    "description": "title",
    "codes": "stock__partner_sku",
    "price": "stock__price",
    "attributes": {
        "family": "family__title",
        "variants": "variants__title",
        "goes with": "goes_with__title",
        "supplier": "supplier__name",
        "labels": "labels__text",
        "supplier labels": "supplier__labels__text",
        "note": "notes__text",
        "detail": "detail__text",
    },
}
SENT = ("pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed")


class Table(models.Model):
    class Meta:
        abstract = True
        app_label = "sessions"


def define():
    class Label(Table):
        text = models.CharField(max_length=20)

    class Company(Table):
        name = models.CharField(max_length=20)
        size = models.IntegerField(default=0)

    class Supplier(Company):
        code = models.CharField(max_length=5, unique=True)
        labels = models.ManyToManyField(Label)

    class Item(Table):
        title = models.CharField(max_length=20)
        rating = models.IntegerField(default=0)

    class Note(Table):
        text = models.CharField(max_length=20)
        content_type = models.ForeignKey(ContentType, models.CASCADE)
        object_id = models.CharField(max_length=20)
        about = GenericForeignKey()

    class Product(Item):
        family = models.ForeignKey("self", models.SET_NULL, null=True, related_name="variants")
        goes_with = models.ManyToManyField("self")
        supplier = models.ForeignKey(Supplier, models.SET_NULL, to_field="code", null=True)
        labels = models.ManyToManyField(Label, through="Labelled", related_name="labelled")
        notes = GenericRelation(Note)

    class Shown(Product):
        class Meta:
            proxy = True
            app_label = "sessions"

    class Signed(Product):
        by = models.CharField(max_length=20)

    class Labelled(Table):
        product = models.ForeignKey(Product, models.CASCADE)
        label = models.ForeignKey(Label, models.CASCADE)

    class Detail(Table):
        product = models.OneToOneField(Product, models.CASCADE, db_column="of")
        text = models.CharField(max_length=20)

    class Stock(Table):
        product = models.ForeignKey(Product, models.CASCADE, related_name="stock")
        partner_sku = models.CharField(max_length=20)
        price = models.IntegerField(default=1)
        left = models.IntegerField(default=1)

    every = (Label, Company, Supplier, Item, Note, Product, Shown, Signed, Labelled, Detail, Stock)
    return {model.__name__: model for model in every}


@pytest.fixture(params=["signals", "triggers"])
def shop(request, settings, monkeypatch, db):
    """A shop of models of every shape, whose changes are followed either way."""
    with isolate_apps("django.contrib.contenttypes", "django.contrib.sessions"):
        made = define()
        with connection.schema_editor() as editor:
            for name, model in made.items():
                if name != "Shown":
                    editor.create_model(model)
        product = made["Product"]
        monkeypatch.setattr(conf, "product_model", lambda: product)
        settings.SIMILARITY = similarity_settings(CAPTURE=request.param, CATALOG=CATALOG)
        ContentType.objects.clear_cache()
        kept = {name: list(getattr(django_signals, name).receivers) for name in SENT}
        mode.forget()
        if request.param == "triggers":
            triggers.install()
        signals.connect()
        yield Shop(made)
        for name, receivers in kept.items():
            signal = getattr(django_signals, name)
            signal.receivers = receivers
            signal.sender_receivers_cache.clear()
        ContentType.objects.clear_cache()
        mode.forget()


class Shop:
    """``p`` are products 0 to 4: 1 and 2 are variants of 0, 3 goes with 4."""

    def __init__(self, made):
        for name, model in made.items():
            setattr(self, name, model)
        self.supplier = self.Supplier.objects.create(name="Oak & Co", code="oak")
        self.label = self.Label.objects.create(text="new")
        self.supplier.labels.add(self.label)
        self.p = [self.Product.objects.create(title=f"p{at}") for at in range(5)]
        for at in (1, 2):
            self.Product.objects.filter(pk=self.p[at].pk).update(family=self.p[0])
        self.p[3].goes_with.add(self.p[4])
        self.Product.objects.filter(pk=self.p[4].pk).update(supplier=self.supplier)
        self.Labelled.objects.create(product=self.p[3], label=self.label)
        self.stock = self.Stock.objects.create(product=self.p[2], partner_sku="A-1")
        self.detail = self.Detail.objects.create(product=self.p[1], text="soft")
        self.note = self.Note.objects.create(about=self.p[0], text="hello")
        self.taken()

    def taken(self) -> set[int]:
        """Positions of the products that wait, and the outbox empty after."""
        keys = set(PendingProduct.objects.values_list("product_key", flat=True))
        PendingProduct.objects.all().delete()
        return {at for at, product in enumerate(self.p) if str(product.pk) in keys}

    def stored(self, row):
        return type(row)._base_manager.get(pk=row.pk)


def save(row, **fields):
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


CHANGES = {
    "a parent and its variants": (lambda s: save(s.stored(s.p[0]), title="x"), {0, 1, 2}),
    "a variant and its parent": (lambda s: save(s.stored(s.p[1]), title="x"), {0, 1}),
    "a variant moved": (lambda s: save(s.stored(s.p[1]), family=s.stored(s.p[3])), {0, 1, 3}),
    "the table of the parent class": (
        lambda s: save(s.Item.objects.get(pk=s.p[0].pk), title="x"),
        {0, 1, 2},
    ),
    "a proxy": (lambda s: save(s.Shown.objects.get(pk=s.p[0].pk), title="x"), {0, 1, 2}),
    "a product of the other side": (lambda s: save(s.stored(s.p[4]), title="x"), {3, 4}),
    "a product deleted": (lambda s: s.stored(s.p[0]).delete(), {1, 2}),
    "a variant deleted": (lambda s: s.stored(s.p[1]).delete(), {0}),
    "two that go together": (lambda s: s.p[0].goes_with.add(s.p[1]), {0, 1}),
    "two that go together no more": (lambda s: s.p[4].goes_with.remove(s.p[3]), {3, 4}),
    "none goes with it": (lambda s: s.p[4].goes_with.clear(), {3, 4}),
    "a supplier's own table": (lambda s: save(s.stored(s.supplier), code="oak"), set()),
    "the table of a supplier's parent class": (
        lambda s: save(s.Company.objects.get(pk=s.supplier.pk), name="x"),
        {4},
    ),
    "a supplier": (lambda s: save(s.stored(s.supplier), name="x"), {4}),
    "a supplier deleted": (lambda s: s.stored(s.supplier).delete(), {4}),
    "a label of the supplier": (lambda s: save(s.stored(s.label), text="x"), {3, 4}),
    "a label taken from the supplier": (lambda s: s.supplier.labels.remove(s.label), {4}),
    "a supplier taken from the label": (lambda s: s.label.supplier_set.clear(), {4}),
    "a link row": (lambda s: s.Labelled.objects.create(product=s.p[0], label=s.label), {0}),
    "a link row moved": (lambda s: save(s.Labelled.objects.get(), product=s.p[1]), {1, 3}),
    "a link row deleted": (lambda s: s.Labelled.objects.get().delete(), {3}),
    "links cleared": (lambda s: s.label.labelled.clear(), {3}),
    "a note": (lambda s: save(s.stored(s.note), text="x"), {0}),
    "a note moved": (lambda s: save(s.stored(s.note), about=s.p[1]), {0, 1}),
    "a note deleted": (lambda s: s.stored(s.note).delete(), {0}),
    "a note of another thing": (
        lambda s: s.Note.objects.create(about=s.label, object_id=s.p[0].pk, text="x"),
        set(),
    ),
    "a detail": (lambda s: save(s.stored(s.detail), text="x"), {1}),
    "a detail moved": (lambda s: save(s.stored(s.detail), product=s.p[3]), {1, 3}),
    "a code": (lambda s: save(s.stored(s.stock), partner_sku="B-1"), {2}),
    "stock moved": (lambda s: save(s.stored(s.stock), product=s.p[3]), {2, 3}),
    "price and stock alone": (lambda s: save(s.stored(s.stock), price=9, left=0), set()),
    "fields that are not read": (
        lambda s: s.stored(s.p[0]).save(update_fields=["rating"]),
        set(),
    ),
    "one field that is read": (
        lambda s: s.stored(s.p[0]).save(update_fields=["rating", "title"]),
        {0, 1, 2},
    ),
}

#: Signals cannot tell, and a worker finds that nothing has changed.
TOO_MANY = {
    ("signals", "a supplier's own table"): {4},
    # Its product's row changes too, and another product is read from that.
    ("triggers", "a supplier deleted"): {3, 4},
    ("triggers", "one field that is read"): set(),  # no value of it has changed
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_marks_the_products_that_are_read_from_it(shop, change, request):
    act, expected = CHANGES[change]
    followed_by = "triggers" if mode.in_use() else "signals"
    act(shop)
    assert shop.taken() == TOO_MANY.get((followed_by, change), expected)


def test_a_child_of_the_product_model_is_its_product(shop):
    signed = shop.Signed(title="signed", by="me")
    signed.save()
    assert PendingProduct.objects.get().product_key == str(signed.pk)
    PendingProduct.objects.all().delete()
    signed.title = "again"
    signed.save()
    assert PendingProduct.objects.get().product_key == str(signed.pk)
    signed.delete()
    assert not PendingProduct.objects.exists()


def test_lines_that_name_products_by_another_field_give_primary_keys(db):
    with isolate_apps("django.contrib.contenttypes", "django.contrib.sessions"):

        class Thing(Table):
            sku = models.CharField(max_length=9, unique=True)

        class Bought(Table):
            number = models.CharField(max_length=9, unique=True)
            at = models.DateTimeField()

        class BoughtLine(Table):
            order = models.ForeignKey(
                Bought, models.CASCADE, to_field="number", related_name="lines"
            )
            thing = models.ForeignKey(Thing, models.CASCADE, to_field="sku", db_column="art")

        with connection.schema_editor() as editor:
            for model in (Thing, Bought, BoughtLine):
                editor.create_model(model)
        orders = MappedOrders.__new__(MappedOrders)
        orders.model = Bought
        orders.mapping = {"placed_at": "at", "products": "lines__thing"}
        things = [Thing.objects.create(sku=str(900 - at)) for at in range(2)]
        bought = Bought.objects.create(number="77", at=timezone.now())
        lines = [BoughtLine.objects.create(order=bought, thing=thing) for thing in things]
        [basket] = orders.baskets()
        assert set(basket.products) == {thing.pk for thing in things}
        assert {sale.product for sale in orders.sales()} == {thing.pk for thing in things}
        assert list(orders.dependents(lines[0])) == [bought.pk]
