"""From rows of any table a catalogue may be read from to the products they belong to."""

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test.utils import isolate_apps

from similarity import conf
from similarity.capture import routes, triggers
from similarity.catalog.mapping import FieldMappingAdapter
from similarity.models import PendingProduct
from tests.encoders_fake import similarity_settings

pytestmark = pytest.mark.django_db

CATALOG = {
    "title": "title",
    "description": "title",
    "images": "shots__file",
    "attributes": {
        "maker": "maker__country__name",
        "words": "words__text",
        "shelves": "shelf__name",
        "note": "notes__text",
        "labels": "maker__labels__text",
        "maker_text": "maker__shown",
    },
    "price": "offers__amount",
}


@pytest.fixture
def shop(settings, monkeypatch, db):
    """A shop whose products are read over relations of every kind, made for this test."""
    with isolate_apps("django.contrib.contenttypes", "tests.host"):
        made = define()
        with connection.schema_editor() as editor:
            for model in made.values():
                editor.create_model(model)
        product = made["Product"]
        monkeypatch.setattr(conf, "product_model", lambda: product)
        settings.SIMILARITY = similarity_settings(CAPTURE="triggers", CATALOG=CATALOG)
        triggers.install()
        yield made


def define():
    class Country(models.Model):  # noqa: DJ008 - nobody reads it
        code = models.CharField(max_length=2, unique=True)
        name = models.CharField(max_length=20)
        area = models.IntegerField(default=0)

        class Meta:
            app_label = "host"
            db_table = "route_country"

    class Word(models.Model):  # noqa: DJ008 - nobody reads it
        text = models.CharField(max_length=20)
        seen = models.IntegerField(default=0)

        class Meta:
            app_label = "host"
            db_table = "route_word"

    class Maker(models.Model):  # noqa: DJ008 - nobody reads it
        name = models.CharField(max_length=20)
        secret = models.CharField(max_length=20, default="")
        country = models.ForeignKey(Country, models.CASCADE, to_field="code")
        labels = models.ManyToManyField(Word)

        class Meta:
            app_label = "host"
            db_table = "route_maker"

        @property
        def shown(self):
            return self.name + self.secret

    class Item(models.Model):  # noqa: DJ008 - nobody reads it
        title = models.CharField(max_length=20)
        stock = models.IntegerField(default=0)

        class Meta:
            app_label = "host"
            db_table = "route_item"

    class Note(models.Model):  # noqa: DJ008 - nobody reads it
        text = models.CharField(max_length=20)
        content_type = models.ForeignKey(ContentType, models.CASCADE)
        object_id = models.CharField(max_length=40)
        owner = GenericForeignKey()

        class Meta:
            app_label = "host"
            db_table = "route_note"

    class Product(Item):  # noqa: DJ008 - nobody reads it
        maker = models.ForeignKey(Maker, models.CASCADE)
        words = models.ManyToManyField(Word)
        colour = models.CharField(max_length=20, default="")
        notes = GenericRelation(Note)

        class Meta:
            app_label = "host"
            db_table = "route_product"

    class Shot(models.Model):  # noqa: DJ008 - nobody reads it
        product = models.ForeignKey(Product, models.CASCADE, related_name="shots")
        file = models.ImageField()
        place = models.IntegerField(default=0)
        alt = models.CharField(max_length=20, default="")

        class Meta:
            app_label = "host"
            db_table = "route_shot"
            ordering = ["-place", "pk"]

    class Shelf(models.Model):  # noqa: DJ008 - nobody reads it
        name = models.CharField(max_length=20)
        holds = models.ManyToManyField(Product, related_name="shelf")

        class Meta:
            app_label = "host"
            db_table = "route_shelf"

    class Offer(models.Model):  # noqa: DJ008 - nobody reads it
        product = models.ForeignKey(Product, models.CASCADE, related_name="offers")
        amount = models.IntegerField()

        class Meta:
            app_label = "host"
            db_table = "route_offer"

    made = (Country, Word, Maker, Item, Note, Product, Shot, Shelf, Offer)
    return {model.__name__: model for model in made}


@pytest.fixture
def two(shop):
    """Two products that share nothing."""
    made = []
    for code in ("at", "be"):
        country = shop["Country"].objects.create(code=code, name=code)
        maker = shop["Maker"].objects.create(name=code, country=country)
        product = shop["Product"].objects.create(title=code, maker=maker)
        product.words.add(shop["Word"].objects.create(text=code))
        maker.labels.add(shop["Word"].objects.create(text=f"label {code}"))
        shop["Shelf"].objects.create(name=code).holds.add(product)
        shop["Shot"].objects.create(product=product, file=f"{code}.png")
        shop["Offer"].objects.create(product=product, amount=1)
        kind = ContentType.objects.get_or_create(app_label="host", model="product")[0]
        shop["Note"].objects.create(text=code, content_type=kind, object_id=str(product.pk))
        made.append(product)
    PendingProduct.objects.all().delete()
    return made


CHANGES = [
    "UPDATE route_item SET title = 'new' WHERE title = 'at'",
    "UPDATE route_product SET maker_id = maker_id + 1 WHERE item_ptr_id = {first}",
    "UPDATE route_maker SET name = 'new' WHERE name = 'at'",
    "UPDATE route_maker SET secret = 'of a property' WHERE name = 'at'",
    "UPDATE route_maker SET country_id = 'be' WHERE name = 'at'",
    "UPDATE route_country SET name = 'new' WHERE code = 'at'",
    "UPDATE route_word SET text = 'new' WHERE text = 'at'",
    "UPDATE route_word SET text = 'new' WHERE text = 'label at'",
    "DELETE FROM route_maker_labels WHERE maker_id = (SELECT min(id) FROM route_maker)",
    "DELETE FROM route_product_words WHERE product_id = {first}",
    "UPDATE route_shelf SET name = 'new' WHERE name = 'at'",
    "DELETE FROM route_shelf_holds WHERE product_id = {first}",
    "UPDATE route_shot SET file = 'new.png' WHERE file = 'at.png'",
    "UPDATE route_shot SET place = 3 WHERE file = 'at.png'",
    "DELETE FROM route_shot WHERE file = 'at.png'",
    "INSERT INTO route_shot (product_id, file, place, alt) VALUES ({first}, 'c.png', 0, '')",
    "UPDATE route_note SET text = 'new' WHERE text = 'at'",
    "DELETE FROM route_note WHERE text = 'at'",
]
OTHER_CHANGES = [
    "UPDATE route_item SET stock = 5",
    "UPDATE route_product SET colour = 'red'",
    "UPDATE route_country SET area = 9",
    "UPDATE route_word SET seen = 9",
    "UPDATE route_shot SET alt = 'nobody reads it'",
    "UPDATE route_offer SET amount = 2",
    "DELETE FROM route_offer",
    "UPDATE route_note SET content_type_id = content_type_id",
]


def test_a_change_marks_the_one_product_it_belongs_to(two):
    for statement in CHANGES:
        assert marked_by(statement.format(first=two[0].pk)) == {str(two[0].pk)}, statement


def test_what_no_encoder_reads_marks_none(two):
    for statement in OTHER_CHANGES:
        assert marked_by(statement) == set(), statement


def test_a_note_of_another_model_with_the_same_key_marks_none(two, shop):
    other = ContentType.objects.create(app_label="host", model="other")
    shop["Note"].objects.create(text="x", content_type=other, object_id=str(two[0].pk))
    shop["Note"].objects.create(text="x", content_type=other, object_id="no number at all")
    assert pending() == set()


def test_an_adapter_of_ones_own_has_every_column_followed(two, monkeypatch):
    monkeypatch.setattr(FieldMappingAdapter, "columns_read", lambda self, model: None)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert triggers.install() > 0
    execute("UPDATE route_item SET stock = 6 WHERE title = 'at'")
    assert pending() == {str(two[0].pk)}
    execute("UPDATE route_offer SET amount = amount")
    assert pending() == set(), "nothing changed"


def test_prices_are_not_watched(shop):
    tables = {each.table: each for each in routes.watched(FieldMappingAdapter(**CATALOG))}
    assert "route_offer" not in tables
    assert tables["route_shot"].columns == {"file", "place", "product_id"}
    assert tables["route_maker"].columns is None, "a property may read any of them"


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def marked_by(statement):
    """What the statement leaves in the outbox; it is undone after."""
    savepoint = connection.savepoint()
    execute(statement)
    found = pending()
    connection.savepoint_rollback(savepoint)
    return found


def pending():
    keys = set(PendingProduct.objects.values_list("product_key", flat=True))
    PendingProduct.objects.all().delete()
    return keys
