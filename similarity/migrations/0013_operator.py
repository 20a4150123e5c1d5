from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("similarity", "0012_versions")]

    operations = []
