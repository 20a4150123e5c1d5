import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLE = "similarity_productinputs"


def tie_to_products(apps, schema_editor):
    """Inputs go with their product, also by raw SQL, as vectors do (0001)."""
    inputs = apps.get_model("similarity", "ProductInputs")
    product = inputs._meta.get_field("product").remote_field.model
    table = schema_editor.quote_name(product._meta.db_table)
    column = schema_editor.quote_name(product._meta.pk.column)
    schema_editor.execute(
        f"ALTER TABLE {TABLE} ADD CONSTRAINT similarity_inputs_product_fk "
        f"FOREIGN KEY (product_id) REFERENCES {table} ({column}) "
        "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    )


def untie(apps, schema_editor):
    schema_editor.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT similarity_inputs_product_fk")


class Migration(migrations.Migration):
    dependencies = [("similarity", "0019_query_floors")]

    operations = [
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
        migrations.RunPython(tie_to_products, untie),
    ]
