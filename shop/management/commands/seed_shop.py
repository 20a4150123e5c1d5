from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from shop.seed.load import DemoInUse, flush, load


class Command(BaseCommand):
    help = (
        "Make the demo catalogue: products with drawn pictures, customers, and a year of "
        "orders with habits of buying together. The same arguments give the same catalogue; "
        "a second run adds only what is missing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--products", type=int, default=400, help="number of products (default 400)"
        )
        parser.add_argument("--seed", type=int, default=7, help="another catalogue (default 7)")
        parser.add_argument("--no-pictures", action="store_true", help="leave the pictures out")
        parser.add_argument(
            "--flush",
            action="store_true",
            help="delete all data that this command created, and stop",
        )

    def handle(self, *args, **options) -> None:
        if options["products"] < 1:
            raise CommandError(f"--products is {options['products']}; it must be 1 or more.")
        if options["flush"]:
            return self._flush()
        added = load(
            options["products"],
            options["seed"],
            pictures=not options["no_pictures"],
            progress=options["verbosity"] > 0,
        )
        if not added:
            self.stdout.write("The demo catalogue is already here; nothing was added.")
            return
        self.stdout.write(
            f"Added {added.products} products, {added.pictures} pictures, "
            f"{added.customers} customers, {added.orders} orders and {added.acts} acts of shoppers."
        )

    def _flush(self) -> None:
        try:
            gone = flush()
        except DemoInUse as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Deleted {gone} demo products with their pictures and orders.")
