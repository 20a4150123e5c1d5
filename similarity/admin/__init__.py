"""The admin: re-embedding from the host's product pages, the outbox, the versions.

Django imports this package while it looks for admin modules. The host's product admin
gets its actions here, without a change to it; its module is imported first, so that the
order of INSTALLED_APPS does not matter.
"""

from importlib import import_module

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from similarity import conf
from similarity.admin import outbox, versions
from similarity.admin.products import ReembedMixin, add_actions

__all__ = ["ReembedMixin", "outbox", "versions"]

_host = apps.get_app_config(conf.product_model_label().split(".")[0])
if _host.module and module_has_submodule(_host.module, "admin"):
    import_module(f"{_host.name}.admin")
add_actions()
