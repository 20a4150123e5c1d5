"""The admin: re-embedding from the host's product pages, the outbox, the versions.

Django imports this package while it looks for admin modules. This package adds its actions to the
host's product admin without a change to it. It imports the host's admin module first, so that the
order of INSTALLED_APPS does not matter.
"""

from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from similarity import conf
from similarity.admin import inputs, outbox, versions
from similarity.admin.products import ReembedMixin, add_actions
from similarity.exceptions import ConfigurationError

__all__ = ["ReembedMixin", "inputs", "outbox", "versions"]


def _join_host() -> None:
    try:
        host = apps.get_app_config(conf.product_model()._meta.app_label)
    except ConfigurationError:
        return  # reported by similarity.E002 when checks run
    if host.module and module_has_submodule(host.module, "admin"):
        import_module(f"{host.name}.admin")
    add_actions()


_join_host()
