import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from similarity.migrations._host import product_migration

DOCUMENTS = "similarity_searchdocument"


def tie_to_products(apps, schema_editor):
    """Documents go with their product, also by raw SQL, as vectors do (0001)."""
    document = apps.get_model("similarity", "SearchDocument")
    product = document._meta.get_field("product").remote_field.model
    table = schema_editor.quote_name(product._meta.db_table)
    column = schema_editor.quote_name(product._meta.pk.column)
    schema_editor.execute(
        f"ALTER TABLE {DOCUMENTS} ADD CONSTRAINT similarity_search_product_fk "
        f"FOREIGN KEY (product_id) REFERENCES {table} ({column}) "
        "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    )


def untie(apps, schema_editor):
    schema_editor.execute(f"ALTER TABLE {DOCUMENTS} DROP CONSTRAINT similarity_search_product_fk")


def gin_trigrams(column, name):
    return django.contrib.postgres.indexes.GinIndex(
        fields=[column], opclasses=["gin_trgm_ops"], name=name
    )


class Migration(migrations.Migration):
    dependencies = [product_migration(), ("similarity", "0003_bundles")]

    operations = [
        migrations.CreateModel(
            name="SearchLexeme",
            fields=[
                ("lexeme", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("documents", models.PositiveIntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.SIMILARITY_PRODUCT_MODEL,
                    ),
                ),
                ("document", django.contrib.postgres.search.SearchVectorField()),
                ("length", models.PositiveIntegerField()),
                ("title", models.CharField(db_collation="C", max_length=250)),
                ("codes", models.TextField(blank=True)),
                (
                    "words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None
                    ),
                ),
                (
                    "values",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), db_column="attribute_values", size=None
                    ),
                ),
                ("group", models.CharField(max_length=255)),
                ("fingerprint", models.CharField(max_length=64)),
                ("indexed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["document"], name="similarity_search_document"
                    ),
                    gin_trigrams("codes", "similarity_search_codes"),
                    models.Index(fields=["title"], name="similarity_search_title"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("value", models.CharField(max_length=500)),
                ("words", models.CharField(db_collation="C", max_length=250)),
                ("documents", models.PositiveIntegerField(default=1)),
            ],
            options={
                "indexes": [models.Index(fields=["words"], name="similarity_search_value_words")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "value"), name="similarity_search_value"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("word", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("documents", models.PositiveIntegerField(default=1)),
            ],
            options={
                "indexes": [gin_trigrams("word", "similarity_search_word")],
            },
        ),
        migrations.CreateModel(
            name="Synonym",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "terms",
                    models.TextField(help_text="Separated by commas: sofa, couch, settee"),
                ),
                (
                    "only_from",
                    models.TextField(
                        blank=True,
                        help_text="Filled in, the synonym holds one way: a query with one of "
                        "these also finds the terms above.",
                        verbose_name="only from",
                    ),
                ),
                ("active", models.BooleanField(default=True)),
                ("note", models.CharField(blank=True, max_length=250)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["terms"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Upper("terms"),
                        django.db.models.functions.text.Upper("only_from"),
                        name="similarity_synonym_once",
                    )
                ],
            },
        ),
        migrations.RunPython(tie_to_products, untie),
    ]
