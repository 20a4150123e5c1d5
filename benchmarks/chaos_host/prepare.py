"""``python -m benchmarks.chaos_host.prepare PRODUCTS``: tables, triggers and the first products."""

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from benchmarks.chaos_host.models import PeerVector, Product  # noqa: E402

TRIGGERS = """
    CREATE FUNCTION log_save() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO chaos_host_savedtitle (product_key, title, at)
        VALUES (NEW.id, NEW.title, clock_timestamp()); RETURN NULL; END $$;
    CREATE TRIGGER log_save AFTER INSERT OR UPDATE ON chaos_host_product
        FOR EACH ROW EXECUTE FUNCTION log_save();
    CREATE FUNCTION log_vector() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO chaos_host_writtenvector (product_key, mark, at)
        VALUES (NEW.product_id, NEW.{mark}, clock_timestamp()); RETURN NULL; END $$;
    CREATE TRIGGER log_vector AFTER INSERT OR UPDATE ON {table}
        FOR EACH ROW EXECUTE FUNCTION log_vector();
    CREATE INDEX ON chaos_host_writtenvector (product_key, at);
"""


def main() -> None:
    call_command("migrate", verbosity=0, skip_checks=True)
    table, mark = PeerVector._meta.db_table, "mark"
    if settings.WAY == "similarity":
        from similarity.models import ProductVectors

        table, mark = ProductVectors._meta.db_table, "fingerprint"
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS.format(table=table, mark=mark))
    with transaction.atomic():
        for number in range(int(sys.argv[1])):
            # Without a text, because the plugin ignores a text that many different products share.
            Product.objects.create(title=f"product {number}")


if __name__ == "__main__":
    main()
