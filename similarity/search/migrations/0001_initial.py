import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import pgvector.django.halfvec
from django.conf import settings
from django.db import migrations, models

from similarity.migrations._host import product_migration
from similarity.models.extensions import create_extensions
from similarity.models.product_keys import tie_to_products


def make_extensions(apps, schema_editor):
    create_extensions(schema_editor.connection.alias)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        product_migration(),
        ("similarity", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(make_extensions, migrations.RunPython.noop),
        migrations.CreateModel(
            name="SearchLexeme",
            fields=[
                ("lexeme", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                ("documents", models.PositiveIntegerField(default=1)),
                (
                    "best",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), editable=False, null=True, size=None
                    ),
                ),
            ],
            options={
                "db_table": "similarity_searchlexeme",
            },
        ),
        migrations.CreateModel(
            name="HotQuery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=60, unique=True)),
                ("asked", models.PositiveBigIntegerField(default=0)),
                ("asked_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "hot queries",
                "db_table": "similarity_hotquery",
                "indexes": [models.Index(fields=["-asked", "text"], name="similarity_hot_queries")],
            },
        ),
        migrations.CreateModel(
            name="RankerVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("candidate", "Candidate"),
                            ("live", "Live"),
                            ("retired", "Retired"),
                        ],
                        default="candidate",
                        max_length=9,
                    ),
                ),
                ("signals", models.JSONField()),
                ("artefact", models.BinaryField()),
                ("sha256", models.CharField(editable=False, max_length=64)),
                ("figures", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("promoted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "similarity_rankerversion",
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "live")),
                        fields=("status",),
                        name="similarity_one_live_ranker",
                    )
                ],
            },
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
                "db_table": "similarity_searchdocument",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["document"], name="similarity_search_document"
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["codes"], name="similarity_search_codes", opclasses=["gin_trgm_ops"]
                    ),
                    models.Index(fields=["title"], name="similarity_search_title"),
                    models.Index(fields=["-indexed_at"], name="similarity_search_latest"),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(
                            django.db.models.lookups.Exact(
                                django.db.models.functions.text.Left(
                                    django.db.models.functions.text.MD5("group"), 1
                                ),
                                models.Value("0"),
                            )
                        ),
                        fields=["document"],
                        name="similarity_search_one_in_16",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        condition=models.Q(
                            django.db.models.lookups.Exact(
                                django.db.models.functions.text.Left(
                                    django.db.models.functions.text.MD5("group"), 2
                                ),
                                models.Value("00"),
                            )
                        ),
                        fields=["document"],
                        name="similarity_search_one_in_256",
                    ),
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
                "db_table": "similarity_searchvalue",
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
                "db_table": "similarity_searchword",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["word"], name="similarity_search_word", opclasses=["gin_trgm_ops"]
                    )
                ],
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
                ("terms", models.TextField(help_text="Separated by commas: sofa, couch, settee")),
                (
                    "only_from",
                    models.TextField(
                        blank=True,
                        help_text="Filled in, the synonym holds one way: a query with one of these "
                        "also finds the terms above.",
                        verbose_name="only from",
                    ),
                ),
                ("active", models.BooleanField(default=True)),
                ("note", models.CharField(blank=True, max_length=250)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "similarity_synonym",
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
        migrations.CreateModel(
            name="HotQueryVector",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("vector", pgvector.django.halfvec.HalfVectorField()),
                (
                    "query",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vectors",
                        to="similarity_search.hotquery",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="similarity.encoderversion",
                    ),
                ),
            ],
            options={
                "db_table": "similarity_hotqueryvector",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("query", "version"), name="similarity_hot_query_version"
                    )
                ],
            },
        ),
        tie_to_products("similarity_search", "SearchDocument"),
    ]
