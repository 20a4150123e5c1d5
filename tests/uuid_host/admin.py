from django.contrib import admin

from tests.uuid_host.models import Article

admin.site.register(Article)
