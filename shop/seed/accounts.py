"""Accounts of the demo's first customers, and what they looked at, imported from a file."""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command

from shop.models import Customer
from shop.seed import orders
from shop.seed.catalogue import Item
from shop.seed.shoppers import acts, shopper_count

#: Names of the accounts: ``demo-7-0`` is the first shopper of seed 7.
PREFIX = "demo-"
#: Their age, so that they count as accounts of real shoppers.
JOINED = timedelta(days=200)


def user_name(seed: int, shopper: int) -> str:
    return f"{PREFIX}{seed}-{shopper}"


def save_shoppers(items: Sequence[Item], seed: int, today: datetime, *, progress: bool) -> int:
    """Give the first customers accounts and import their visits; return the number of acts.

    Nobody can sign in to an account before it gets a password.
    """
    people = orders.buyers(seed)[: shopper_count(items)]
    users = get_user_model()
    names = [user_name(seed, at) for at in range(len(people))]
    users.objects.bulk_create(
        [
            users(
                username=name,
                email=person.email,
                first_name=person.name.split()[0],
                last_name=person.name.split()[-1],
                password=make_password(None),
                date_joined=today - JOINED,
            )
            for name, person in zip(names, people, strict=True)
        ],
        ignore_conflicts=True,
    )
    keys = dict(users.objects.filter(username__in=names).values_list("username", "pk"))
    at_name = {person.email: name for name, person in zip(names, people, strict=True)}
    customers = list(Customer.objects.filter(email__in=at_name))
    for customer in customers:
        customer.user_id = keys[at_name[customer.email]]
    Customer.objects.bulk_update(customers, ["user"], batch_size=500)
    return _import_acts(items, seed, today, progress=progress)


def _import_acts(items: Sequence[Item], seed: int, today: datetime, *, progress: bool) -> int:
    found = acts(items, seed, today)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "visits.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["event_time", "event_type", "user_id", "item_id"])
            writer.writerows(
                (act.at.isoformat(), act.name, user_name(seed, act.shopper), act.sku)
                for act in found
            )
        call_command(
            "similarity",
            *("import-events", str(path), "--consent-held"),
            *("--user-field", "username", "--product-field", "sku"),
            verbosity=1 if progress else 0,
        )
    return len(found)


def delete_shoppers() -> None:
    """Delete the accounts, and with them all that the shop remembers of them."""
    get_user_model().objects.filter(username__startswith=PREFIX).delete()
