"""Which of the host's migrations ours depend on: the one since which the product has its name."""

import sys
from types import ModuleType

import pytest
from django.db import migrations, models

from similarity import conf
from similarity.migrations import _host

ITEM = migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))])
PRODUCT = migrations.CreateModel("Product", [("id", models.BigAutoField(primary_key=True))])
OTHER = migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))])


def squashed(name, *operations):
    return name, list(operations), [("ware", "0001_initial")]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([("0001_initial", [OTHER, PRODUCT])], "0001_initial"),
        ([("0001_initial", [OTHER]), ("0002_more", [PRODUCT])], "0002_more"),
        (
            [("0001_initial", [ITEM]), ("0002_name", [migrations.RenameModel("Item", "Product")])],
            "0002_name",
        ),
        (
            [
                ("0001_initial", [PRODUCT]),
                ("0002_gone", [migrations.DeleteModel("Product")]),
                ("0003_again", [PRODUCT]),
            ],
            "0003_again",
        ),
        (
            [("0001_sql", [migrations.RunSQL("SELECT 1", state_operations=[PRODUCT])])],
            "0001_sql",
        ),
        (
            [
                (
                    "0001_moved",
                    [migrations.SeparateDatabaseAndState(state_operations=[OTHER, PRODUCT])],
                )
            ],
            "0001_moved",
        ),
        (
            [
                (
                    "0001_deep",
                    [
                        migrations.SeparateDatabaseAndState(
                            state_operations=[
                                migrations.RunSQL("SELECT 1", state_operations=[PRODUCT])
                            ]
                        )
                    ],
                )
            ],
            "0001_deep",
        ),
        ([("0001_initial", [PRODUCT]), squashed("0001_squashed", PRODUCT)], "0001_initial"),
        ([squashed("0001_squashed", PRODUCT)], "0001_squashed"),
        ([("0001_initial", [OTHER])], "__first__"),
    ],
)
def test_the_migration_that_names_the_product(history, expected, tmp_path, monkeypatch, settings):
    package = ModuleType("ware_migrations")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "ware_migrations", package)
    for name, operations, *replaces in history:
        (tmp_path / f"{name}.py").write_text("")
        module = ModuleType(f"ware_migrations.{name}")
        own = {"operations": operations, "replaces": replaces[0] if replaces else []}
        module.Migration = type("Migration", (migrations.Migration,), own)
        monkeypatch.setitem(sys.modules, f"ware_migrations.{name}", module)
    settings.MIGRATION_MODULES = {"ware": "ware_migrations"}
    monkeypatch.setattr(conf, "product_model_label", lambda: "ware.Product")
    monkeypatch.setattr(
        _host.MigrationLoader,
        "migrations_module",
        classmethod(lambda cls, app: ("ware_migrations", True)),
    )
    assert _host.product_migration() == ("ware", expected)
