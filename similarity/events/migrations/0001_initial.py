import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

import similarity.events.models.profiles
from similarity.events import partitions
from similarity.migrations._host import product_migration
from similarity.models.product_keys import tie_to


class CreatePartitionedModel(migrations.CreateModel):
    """Create a table that is partitioned by ``at``, of which Django knows nothing."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = f'{plain} PARTITION BY RANGE ("at")'
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain


def create_partitions(apps, schema_editor):
    now = timezone.now()
    partitions.create(now, partitions.ahead(now), schema_editor.connection.alias)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        product_migration(),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EventBatch",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name_plural": "event batches",
                "db_table": "similarity_eventbatch",
            },
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        default=similarity.events.models.profiles.random_key,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "pseudonym",
                    models.CharField(editable=False, max_length=64, null=True, unique=True),
                ),
                ("consented_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("personal", models.BooleanField(default=True)),
                ("reasons", models.BooleanField(default=True)),
                ("minute_began", models.DateTimeField(editable=False, null=True)),
                (
                    "in_minute",
                    models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "similarity_profile",
                "permissions": [("view_history", "Can see what a single shopper did")],
            },
        ),
        migrations.CreateModel(
            name="EventDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "View"),
                            (2, "Click"),
                            (3, "Add To Cart"),
                            (4, "Purchase"),
                            (5, "Search"),
                            (6, "Impression"),
                            (7, "Like"),
                            (8, "Dislike"),
                            (9, "Not Interested"),
                        ]
                    ),
                ),
                ("events", models.PositiveBigIntegerField()),
            ],
            options={
                "verbose_name": "events of a day",
                "verbose_name_plural": "events by day",
                "db_table": "similarity_eventday",
                "ordering": ["-day", "kind"],
            },
        ),
        migrations.AddConstraint(
            model_name="eventday",
            constraint=models.UniqueConstraint(
                fields=("day", "kind"), name="similarity_eventday_once"
            ),
        ),
        CreatePartitionedModel(
            name="Event",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "at", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "id",
                    models.BigIntegerField(default=similarity.events.models.profiles.random_key),
                ),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[
                            (1, "View"),
                            (2, "Click"),
                            (3, "Add To Cart"),
                            (4, "Purchase"),
                            (5, "Search"),
                            (6, "Impression"),
                            (7, "Like"),
                            (8, "Dislike"),
                            (9, "Not Interested"),
                        ]
                    ),
                ),
                ("quantity", models.PositiveIntegerField(default=1)),
                ("value", models.DecimalField(decimal_places=2, max_digits=12, null=True)),
                ("currency", models.CharField(default="", max_length=3)),
                ("query", models.CharField(default="", max_length=200)),
                ("token", models.CharField(default="", max_length=200)),
                ("by_server", models.BooleanField(default=False)),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.SIMILARITY_PRODUCT_MODEL,
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="similarity_events.profile",
                    ),
                ),
            ],
            options={
                "db_table": "similarity_event",
            },
        ),
        migrations.AddConstraint(
            model_name="profile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", True), ("pseudonym__isnull", True), _connector="XOR"
                ),
                name="similarity_profile_user_or_cookie",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["profile", "-at"], name="similarity_event_of_shopper"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("kind__in", [7, 8, 9])),
                fields=["profile"],
                name="similarity_event_opinions",
            ),
        ),
        tie_to("similarity_events", "Profile", "user"),
        migrations.RunPython(create_partitions, migrations.RunPython.noop),
    ]
