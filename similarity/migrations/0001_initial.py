import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
import pgvector.django.halfvec
from django.conf import settings
from django.db import migrations, models

from similarity.migrations._host import product_migration
from similarity.models.extensions import create_extensions
from similarity.models.product_keys import tie_to_products

PARTS = ("text", "image", "colour", "attributes")


def make_extensions(apps, schema_editor):
    create_extensions(schema_editor.connection.alias)


def shape_vectors(apps, schema_editor):
    """``fused`` stays in the row: a scan over vectors moved out of it (TOAST) is four times slower.

    The part vectors, read for some hundred candidates only, leave first.
    """
    external = ", ".join(f"ALTER COLUMN {part} SET STORAGE EXTERNAL" for part in PARTS)
    schema_editor.execute(
        f"ALTER TABLE similarity_productvectors ALTER COLUMN fused SET STORAGE PLAIN, {external}"
    )


def drop_cells(apps, schema_editor):
    """Each set of cells has tables of its own, made beside the vectors when cells are built."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class "
            "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind = 'r' "
            "AND relname ~ '^similarity_cells_[0-9]+(_sample)?$' AND relnamespace = "
            "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass('similarity_vectorcells'))"
        )
        for (table,) in cursor.fetchall():
            schema_editor.execute(f"DROP TABLE {table}")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        product_migration(),
    ]

    operations = [
        # They stay after a migration back to zero: the host may use them too.
        migrations.RunPython(make_extensions, migrations.RunPython.noop),
        migrations.CreateModel(
            name="ReconcileRound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("after_key", models.CharField(blank=True, max_length=255)),
                ("checked", models.PositiveBigIntegerField(default=0)),
                ("stale", models.PositiveBigIntegerField(default=0)),
                ("missing", models.PositiveBigIntegerField(default=0)),
                ("orphaned", models.PositiveBigIntegerField(default=0)),
                ("enqueued", models.PositiveBigIntegerField(default=0)),
                ("deleted", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="SpilledChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("product_key", models.CharField(max_length=255)),
            ],
        ),
        migrations.CreateModel(
            name="EncoderVersion",
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
                            ("building", "Building"),
                            ("ready", "Ready"),
                            ("live", "Live"),
                            ("retired", "Retired"),
                            ("items", "Items"),
                        ],
                        default="building",
                        max_length=8,
                    ),
                ),
                ("encoders", models.JSONField()),
                ("fusion", models.BinaryField()),
                ("fusion_sha256", models.CharField(editable=False, max_length=64)),
                ("dimensions", models.JSONField()),
                ("weights", models.JSONField()),
                ("blocks", models.JSONField(blank=True, default=dict)),
                (
                    "query_floors",
                    models.JSONField(blank=True, db_default={}, default=dict, editable=False),
                ),
                ("fitted_on", models.PositiveIntegerField(default=0)),
                ("figures", models.JSONField(blank=True, default=dict)),
                (
                    "floor",
                    models.JSONField(blank=True, db_default={}, default=dict, editable=False),
                ),
                ("progress", models.JSONField(blank=True, db_default={}, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("promoted_at", models.DateTimeField(blank=True, null=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "catches_up_with",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="similarity.encoderversion",
                    ),
                ),
                (
                    "replaced",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="similarity.encoderversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
            managers=[
                ("every", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PendingProduct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("product_key", models.CharField(max_length=255, unique=True)),
                ("generation", models.PositiveBigIntegerField(default=1)),
                ("force", models.BooleanField(default=False)),
                ("available_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_owner", models.IntegerField(blank=True, editable=False, null=True)),
                ("kills", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("last_error", models.TextField(blank=True)),
                ("dead", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "pending product",
                "indexes": [
                    models.Index(
                        condition=models.Q(("dead", False)),
                        fields=["available_at"],
                        name="similarity_pending_due",
                    ),
                    models.Index(
                        condition=models.Q(("lease_until__isnull", False)),
                        fields=["lease_until"],
                        name="similarity_pending_leased",
                    ),
                    models.Index(
                        condition=models.Q(("dead", False), ("kills__gt", 0)),
                        fields=["kills", "available_at"],
                        name="similarity_pending_suspect",
                    ),
                    models.Index(
                        condition=models.Q(("dead", True)),
                        fields=["available_at"],
                        name="similarity_pending_dead",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductInputs",
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
                ("group", models.BigIntegerField()),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                ("looks", models.BinaryField(default=b"")),
                (
                    "absent",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("unread", models.BooleanField(default=False)),
                ("incomplete", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "product with inputs that count as absent",
                "verbose_name_plural": "products with inputs that count as absent",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fastupdate=False, fields=["names"], name="similarity_inputs_names"
                    ),
                    models.Index(
                        condition=models.Q(("incomplete", True)),
                        fields=["product"],
                        name="similarity_inputs_incomplete",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProductVectors",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fused", pgvector.django.halfvec.HalfVectorField()),
                ("text", pgvector.django.halfvec.HalfVectorField(null=True)),
                ("image", pgvector.django.halfvec.HalfVectorField(null=True)),
                ("colour", pgvector.django.halfvec.HalfVectorField(null=True)),
                ("attributes", pgvector.django.halfvec.HalfVectorField(null=True)),
                ("group", models.CharField(max_length=255)),
                ("category", models.IntegerField(db_default=0, default=0)),
                ("fingerprint", models.CharField(max_length=64)),
                ("encoded_at", models.DateTimeField(auto_now=True)),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.SIMILARITY_PRODUCT_MODEL,
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
                "verbose_name_plural": "product vectors",
            },
        ),
        migrations.CreateModel(
            name="VectorCells",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("live", models.BooleanField(default=False)),
                ("centroids", models.BinaryField()),
                ("categories", models.BinaryField()),
                ("counts", models.BinaryField(default=bytes)),
                ("rotations", models.BinaryField()),
                ("thresholds", models.BinaryField()),
                ("figures", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("replaced_at", models.DateTimeField(blank=True, null=True)),
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
                "verbose_name_plural": "vector cells",
                "ordering": ["-pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="encoderversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "live")),
                fields=("status",),
                name="similarity_one_live_version",
            ),
        ),
        migrations.AddIndex(
            model_name="productvectors",
            index=models.Index(
                condition=models.Q(("group__startswith", "product:"), _negated=True),
                fields=["group"],
                name="similarity_vectors_variants",
            ),
        ),
        migrations.AddConstraint(
            model_name="productvectors",
            constraint=models.UniqueConstraint(
                fields=("product", "version"), name="similarity_vectors_product_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="vectorcells",
            constraint=models.UniqueConstraint(
                condition=models.Q(("live", True)),
                fields=("version",),
                name="similarity_one_live_cells",
            ),
        ),
        tie_to_products("similarity", "ProductVectors"),
        tie_to_products("similarity", "ProductInputs"),
        migrations.RunPython(shape_vectors, migrations.RunPython.noop),
        migrations.RunPython(migrations.RunPython.noop, drop_cells),
    ]
