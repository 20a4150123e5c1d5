import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("similarity", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="PairCounts",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("pairs", models.BinaryField()),
            ],
            options={
                "verbose_name_plural": "pair counts",
                "db_table": "similarity_paircounts",
            },
        ),
        migrations.CreateModel(
            name="ProductPartners",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                (
                    "partners",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "weights",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                (
                    "orders",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                (
                    "shoppers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "product partners",
                "db_table": "similarity_productpartners",
            },
        ),
        migrations.CreateModel(
            name="Bundle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=250)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("accepted", "Accepted"),
                            ("published", "Published"),
                            ("rejected", "Rejected"),
                        ],
                        default="proposed",
                        max_length=9,
                    ),
                ),
                (
                    "products",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("currency", models.CharField(blank=True, editable=False, max_length=10)),
                (
                    "signature",
                    models.CharField(editable=False, max_length=64, null=True, unique=True),
                ),
                ("orders", models.PositiveIntegerField(default=0, editable=False)),
                ("shoppers", models.PositiveIntegerField(default=0, editable=False)),
                ("support", models.FloatField(default=0, editable=False)),
                ("lift", models.FloatField(default=0, editable=False)),
                ("edited", models.BooleanField(default=False, editable=False)),
                ("found_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "similarity_bundle",
                "ordering": ["-orders", "pk"],
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["products"], name="similarity_bundle_products"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CategoryComplement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("category", models.CharField(max_length=500)),
                ("complement", models.CharField(max_length=500)),
                ("orders", models.PositiveIntegerField()),
                ("shoppers", models.PositiveIntegerField()),
                ("lift", models.FloatField()),
                ("score", models.FloatField()),
            ],
            options={
                "db_table": "similarity_categorycomplement",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("category", "complement"), name="similarity_one_complement"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CountedBasket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order_key", models.CharField(db_collation="C", max_length=255)),
                ("shopper", models.BigIntegerField(db_index=True)),
                ("day", models.IntegerField()),
                ("products", models.BinaryField()),
            ],
            options={
                "db_table": "similarity_countedbasket",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("order_key",), name="similarity_one_basket_an_order"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CountedItem",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("name", models.CharField(db_collation="C", max_length=255)),
                (
                    "products",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("weight", models.BigIntegerField(default=0)),
                ("orders", models.PositiveIntegerField(default=0)),
                ("shoppers", models.PositiveIntegerField(default=0)),
                ("shown_weight", models.BigIntegerField(default=0)),
            ],
            options={
                "db_table": "similarity_counteditem",
                "constraints": [
                    models.UniqueConstraint(fields=("name",), name="similarity_counted_item_name")
                ],
            },
        ),
        migrations.CreateModel(
            name="CountedProduct",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("key", models.CharField(db_collation="C", max_length=255)),
                ("item", models.PositiveIntegerField(db_index=True)),
                ("orders", models.PositiveIntegerField(default=0)),
            ],
            options={
                "db_table": "similarity_countedproduct",
                "constraints": [
                    models.UniqueConstraint(fields=("key",), name="similarity_counted_product_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="CountRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference_day", models.DateField()),
                ("half_life_days", models.FloatField()),
                ("window_days", models.PositiveIntegerField()),
                ("max_basket", models.PositiveIntegerField()),
                ("baskets", models.PositiveBigIntegerField(default=0)),
                ("total_weight", models.BigIntegerField(default=0)),
                ("shown_weight", models.BigIntegerField(default=0)),
                ("items", models.PositiveIntegerField(default=0)),
                ("products", models.PositiveIntegerField(default=0)),
                ("full_at", models.DateTimeField()),
                ("full_s", models.FloatField(default=0)),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "count of co-purchases",
                "db_table": "similarity_countrun",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("pk", 1)), name="similarity_one_count_run"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PendingOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order_key", models.CharField(max_length=255)),
                ("transaction", models.BigIntegerField()),
                ("available_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.TextField(blank=True)),
                ("dead", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "pending order",
                "db_table": "similarity_pendingorder",
                "indexes": [
                    models.Index(fields=["order_key"], name="similarity_order_key"),
                    models.Index(
                        condition=models.Q(("dead", False)),
                        fields=["available_at"],
                        name="similarity_order_due",
                    ),
                ],
            },
        ),
        # Compressing a row that is read and written whole costs more than it saves.
        migrations.RunSQL(
            "ALTER TABLE similarity_paircounts ALTER COLUMN pairs SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
    ]
