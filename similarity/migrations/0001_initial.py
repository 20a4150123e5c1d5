import django.db.models.deletion
import django.utils.timezone
import pgvector.django
from django.conf import settings
from django.db import migrations, models

from similarity.migrations._host import product_migration
from similarity.models.extensions import create_extensions

VECTORS = "similarity_productvectors"


def make_extensions(apps, schema_editor):
    create_extensions(schema_editor.connection.alias)


def _product_columns(apps, schema_editor):
    vectors = apps.get_model("similarity", "ProductVectors")
    product = vectors._meta.get_field("product").remote_field.model
    quote = schema_editor.quote_name
    return quote(product._meta.db_table), quote(product._meta.pk.column)


def shape_table(apps, schema_editor):
    """Vectors go with their product, also by raw SQL; ``fused`` stays in the row.

    A scan over vectors moved out of the row (TOAST) is four times slower, so ``fused``
    is PLAIN, and the part vectors, read for some hundred candidates only, leave first.
    """
    table, column = _product_columns(apps, schema_editor)
    schema_editor.execute(
        f"ALTER TABLE {VECTORS} ADD CONSTRAINT similarity_vectors_product_fk "
        f"FOREIGN KEY (product_id) REFERENCES {table} ({column}) "
        "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    )
    schema_editor.execute(
        f"ALTER TABLE {VECTORS} ALTER COLUMN fused SET STORAGE PLAIN, "
        + ", ".join(
            f"ALTER COLUMN {part} SET STORAGE EXTERNAL"
            for part in ("text", "image", "colour", "attributes")
        )
    )


def unshape_table(apps, schema_editor):
    schema_editor.execute(f"ALTER TABLE {VECTORS} DROP CONSTRAINT similarity_vectors_product_fk")


class Migration(migrations.Migration):
    initial = True

    dependencies = [product_migration()]

    operations = [
        # They stay after a migration back to zero: the host may use them too.
        migrations.RunPython(make_extensions, migrations.RunPython.noop),
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
                ("fitted_on", models.PositiveIntegerField(default=0)),
                ("figures", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("promoted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "live")),
                        fields=("status",),
                        name="similarity_one_live_version",
                    )
                ],
            },
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
                    )
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
                "constraints": [
                    models.UniqueConstraint(
                        fields=("product", "version"), name="similarity_vectors_product_version"
                    )
                ],
            },
        ),
        migrations.RunPython(shape_table, unshape_table),
    ]
