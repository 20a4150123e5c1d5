"""Everything that workers, commands and the admin do, one step after another.

A test walks through it under a host's setting that reaches everywhere: a read replica, times
without zones. Each step has a name, and each task, command and admin page has a step.
"""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from similarity.cells import upkeep
from similarity.connections import wakeup
from similarity.management import subcommands
from similarity.models import EncoderVersion, PendingProduct
from similarity.orders.bundles import itemsets
from similarity.orders.models import PendingOrder
from similarity.outbox import draining
from tests.encoders_fake import similarity_settings
from tests.host_models import Order, OrderLine, Product

Step = tuple[str, Callable[[], object]]

#: Subcommands that need files of judgements, data sets, or shoppers with a history; their own tests
#: run them.
NOT_WALKED = {
    *("evaluate", "train-ranker", "import-events", "forget"),
    *("train-factors", "train-sequence", "evaluate-sequence", "plot-model"),
}

#: Subcommand → the arguments of each call.
COMMANDS: dict[str, list[str]] = {
    "embed": ["--now --force", "--changed-only --now"],
    "build": [""],
    "promote": ["--force", "--rollback"],
    "build-cells": [""],
    "search-index": ["--force"],
    "count-orders": ["", "--full"],
    "co-demand": ["--all"],
    "propose-bundles": [""],
    "duplicates": [""],
    "map": [""],
    "reconcile": ["--restart", "--dry-run"],
    "status": ["", "--json"],
    "triggers": ["status"],
    "tidy-events": [""],
}

#: Task → its arguments, where it has any.
ARGUMENTS: dict[str, Callable[[], tuple[object, ...]]] = {
    wakeup.TASK: tuple,
    "similarity.build_version": lambda: (timezone.now().timestamp(),),
    "similarity.compare_version": lambda: (EncoderVersion.objects.using("default").first().pk,),
    "similarity.answer_question": lambda: ("text", "red mug", 0, 60, "red mug", 0),
    "similarity.keep_query": lambda: ("red mug", 9),
}


@pytest.fixture
def walk(make_product, settings, monkeypatch):
    """A shop with products, orders and an admin; ``walk.tasks()`` and the others give steps."""
    settings.SIMILARITY = similarity_settings(ORDERS={"MIN_SHOPPERS": 1})
    monkeypatch.setattr(upkeep, "CELLS_FROM", 20)
    monkeypatch.setattr(itemsets, "MIN_LIFT", 1.0)
    monkeypatch.setattr(itemsets, "MIN_SUPPORT", 0.01)
    products = [make_product(name=f"w{at % 7} w{at % 5} mug", stock=9) for at in range(30)]
    now = timezone.now()
    for at in range(45):
        order = Order.objects.create(number=f"W-{at}", placed_at=now - timedelta(days=4 * at))
        for product in products[at % 3 : at % 3 + 3]:
            OrderLine.objects.create(order=order, product=product, unit_price=product.price)
    return Walk()


class Walk:
    def fill(self) -> None:
        """What a worker does first: a live version, and whatever waits embedded."""
        call_command("similarity", "embed", now=True, verbosity=0)
        call_command("similarity", "search-index", verbosity=0)

    def saves(self) -> Iterator[Step]:
        product = Product.objects.using("default").select_related("brand").first()
        yield "save a product", product.save
        yield "save its brand", product.brand.save
        order = Order.objects.using("default").first()
        yield "save an order", order.save
        line = order.lines.using("default").first()
        yield "save a line", line.save
        yield "delete a line", line.delete
        yield "delete an order", order.delete
        yield "drain", draining.drain

    def tasks(self) -> Iterator[Step]:
        current_app.loader.import_default_modules()
        for name, task in sorted(current_app.tasks.items()):
            if name.startswith("similarity."):
                arguments = ARGUMENTS.get(task.name, tuple)
                yield f"task {task.name}", lambda task=task, told=arguments: task(*told())

    def commands(self) -> Iterator[Step]:
        ours = {name for names in subcommands.installed().values() for name in names}
        assert ours == {*COMMANDS, *NOT_WALKED}, "a subcommand has no step"
        for name, calls in COMMANDS.items():
            for arguments in calls:
                words = ["similarity", name, *arguments.split()]
                yield (
                    " ".join(words),
                    lambda words=words: call_command(
                        *words, stdout=io.StringIO(), stderr=io.StringIO()
                    ),
                )

    def admin_pages(self) -> Iterator[Step]:
        """Each list, the page of its first row, and each of its actions on every row."""
        failed = PendingProduct(product_key="77", attempts=2, last_error="it failed", dead=True)
        failed.save(using="default")
        PendingOrder(order_key="77", transaction=1).save(using="default")
        client = Client()
        user = get_user_model().objects.create_superuser("admin", "admin@example.com", "x")
        client.force_login(user)
        for model in admin.site._registry:
            if not model._meta.app_label.startswith("similarity"):
                continue
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            address = reverse(f"{name}_changelist")
            yield address, lambda address=address: _page(client.get(address))
            keys = list(model._base_manager.using("default").values_list("pk", flat=True)[:3])
            if keys:
                page = reverse(f"{name}_change", args=[keys[0]])
                yield page, lambda page=page: _page(client.get(page, follow=True))
            for action in _actions(model, user):
                data = {"action": action, "_selected_action": keys}
                yield (
                    f"{address} {action}",
                    lambda address=address, data=data: _page(client.post(address, data)),
                )


def _actions(model, user) -> list[str]:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = user
    return list(admin.site._registry[model].get_actions(request))


def _page(response) -> None:
    assert response.status_code in (200, 302), response.status_code
