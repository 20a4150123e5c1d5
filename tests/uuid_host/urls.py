from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/similarity/v1/", include("similarity.api.urls")),
]
