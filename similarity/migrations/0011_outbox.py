from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("similarity", "0010_reconcile")]

    operations = [
        migrations.AddField(
            model_name="pendingproduct",
            name="kills",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="pendingproduct",
            name="lease_owner",
            field=models.IntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="pendingproduct",
            index=models.Index(
                condition=models.Q(("lease_until__isnull", False)),
                fields=["lease_until"],
                name="similarity_pending_leased",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingproduct",
            index=models.Index(
                condition=models.Q(("dead", False), ("kills__gt", 0)),
                fields=["kills", "available_at"],
                name="similarity_pending_suspect",
            ),
        ),
    ]
