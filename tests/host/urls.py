"""Two pages with shelves, the admin, and the API with its schema."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template import RequestContext, Template
from django.urls import include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView

from similarity.search import asked_by, search
from tests.host.models import Product

PRODUCT = """
{% load similarity similarity_orders %}<h1>{{ product.name }}</h1>
{% similar_products product title="You may also like" %}
{% bought_together product %}{% bundle_offers product %}
"""
FOUND = """{% load similarity %}{% for hit in found %}{{ hit.product.name }}{% endfor %}"""


def page(request, template, **context):
    return HttpResponse(Template(template).render(RequestContext(request, context)))


def home(request):
    return page(request, "<h1>Host</h1>")


def product(request, pk, slug):
    return page(request, PRODUCT, product=get_object_or_404(Product, pk=pk))


def find(request):
    with asked_by(request):
        return page(request, FOUND, found=search(request.GET.get("q", "")).hits)


host = [
    path("", home, name="home"),
    path("p/<int:pk>/<slug:slug>/", product, name="product"),
    path("search/", find, name="search"),
]

urlpatterns = [
    path("", include((host, "host"))),
    path("admin/", admin.site.urls),
    path("api/similarity/v1/", include("similarity.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
]
