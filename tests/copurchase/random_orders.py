"""A shop in which anything may happen to orders, and what was counted of it."""

import random
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from similarity.orders.counting import updating
from similarity.orders.counting.storage import unpack_numbers, unpack_pairs
from similarity.orders.models import (
    CountedBasket,
    CountedItem,
    CountedProduct,
    CountRun,
    PairCounts,
    ProductPartners,
)
from tests.host_models import Customer, Order, OrderLine


class RandomShop:
    """Places, edits, cancels, returns and deletes orders as ``seed`` has it."""

    def __init__(self, products, seed, customers=4):
        self.products = products
        self.chance = random.Random(seed)
        self.name = seed
        self.placed = 0
        self.customers = [
            Customer.objects.create(name=f"C{n}", email=f"c{seed}-{n}@example.com")
            for n in range(customers)
        ]

    def act(self):
        """One thing that happens in a shop, in one transaction."""
        with transaction.atomic():
            order = self.one_of(Order.objects)
            if order is None or self.chance.random() < 0.5:
                self.place()
            else:
                self.chance.choice(self.changes)(self, order)

    def one_of(self, rows):
        """Drawn by the seed, so that what fails once fails again."""
        ordered = list(rows.order_by("pk"))
        return self.chance.choice(ordered) if ordered else None

    def place(self, at=None):
        self.placed += 1
        order = Order.objects.create(
            number=f"{self.name}-{self.placed}",
            customer=self.chance.choice([*self.customers, None]),
            placed_at=at or self.some_time(),
        )
        self.fill(order)

    def fill(self, order):
        size = self.chance.choice([1, 2, 2, 3, 3, 4, 6])
        OrderLine.objects.bulk_create(  # tells nothing: the order's own save does
            OrderLine(order=order, product=product, unit_price=Decimal(1))
            for product in self.chance.sample(self.products, size)
        )

    def some_time(self):
        days = self.chance.choice([-2, 0, 0, 1, 5, 40, 200, 729, 731, 900])
        return timezone.now() - timedelta(days=days)

    def change_status(self, order):
        order.status = self.chance.choice(["cancelled", "returned", "placed", "shipped"])
        order.save()

    def delete(self, order):
        order.delete()

    def drop_line(self, order):
        line = self.one_of(order.lines)
        if line:
            line.delete()

    def add_line(self, order):
        product = self.chance.choice(self.products)
        OrderLine.objects.get_or_create(
            order=order, product=product, defaults={"unit_price": Decimal(1)}
        )

    def move_line(self, order):
        line = self.one_of(order.lines)
        other = self.one_of(Order.objects.exclude(pk=order.pk))
        if line and other and not other.lines.filter(product=line.product).exists():
            line.order = other
            line.save()

    def change_customer(self, order):
        order.customer = self.chance.choice([*self.customers, None])
        order.save()

    def change_time(self, order):
        order.placed_at = self.some_time()
        order.save()

    def delete_customer(self, order):
        if len(self.customers) > 1:
            self.customers.pop().delete()

    def cancel_in_bulk(self, order):
        chosen = Order.objects.filter(pk__range=(order.pk, order.pk + 2))
        chosen.update(status="cancelled")
        updating.enqueue_orders(chosen, wake=False)

    def say_it_again(self, order):
        """A message delivered twice, an outbox row written for nothing."""
        updating.enqueue_orders([order, order.pk], wake=False)

    changes = (
        *(change_status, change_status, delete, drop_line, add_line, move_line),
        *(change_customer, change_time, delete_customer, cancel_in_bulk, say_it_again),
    )


def counted():
    """Everything that was counted, by names: numbers differ between one full count and another."""
    item = dict(CountedItem.objects.values_list("number", "name"))
    product = dict(CountedProduct.objects.values_list("number", "key"))
    run = CountRun.objects.get()
    return {
        "orders": (run.baskets, run.total_weight),
        "items": {
            row.name: (row.weight, row.orders, row.shoppers, row.products)
            for row in CountedItem.objects.all()
        },
        "products": {row.key: (item[row.item], row.orders) for row in CountedProduct.objects.all()},
        "pairs": {
            (item[row.number], item[second]): (weight, orders, shoppers)
            for row in PairCounts.objects.all()
            for second, weight, orders, shoppers in unpack_pairs(row.pairs).tolist()
        },
        "ledger": {
            row.order_key: (
                row.shopper,
                row.day,
                sorted(product[number] for number in unpack_numbers(row.products)),
            )
            for row in CountedBasket.objects.all()
        },
    }


def partners():
    """Name of an item → its partners as they stand for pages, in no order."""
    item = dict(CountedItem.objects.values_list("number", "name"))
    return {
        item[row.number]: sorted(
            zip(
                (item[number] for number in row.partners),
                row.weights,
                row.orders,
                row.shoppers,
                strict=True,
            )
        )
        for row in ProductPartners.objects.all()
    }
