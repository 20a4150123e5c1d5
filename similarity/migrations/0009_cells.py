from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("similarity", "0008_co_demand")]

    operations = []
