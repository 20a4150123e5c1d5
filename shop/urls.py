from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from shop.limits import limit_posts
from shop.views import account, bundles, cart, catalogue, checkout, home, search, site

shop = [
    path("", home.home, name="home"),
    path("categories/", home.categories, name="categories"),
    path("all/", catalogue.products, name="products"),
    path("c/<slug:slug>/", catalogue.category, name="category"),
    path("b/<slug:slug>/", catalogue.brand, name="brand"),
    path("p/<int:pk>/<slug:slug>/", catalogue.product, name="product"),
    path("search/", search.search, name="search"),
    path("search/picture/", search.by_picture, name="search_picture"),
    path("cart/", cart.cart, name="cart"),
    path("cart/add/<int:pk>/", cart.cart_add, name="cart_add"),
    path("cart/add-together/", cart.cart_add_together, name="cart_add_together"),
    path("cart/update/<int:pk>/", cart.cart_update, name="cart_update"),
    path("cart/remove/<int:pk>/", cart.cart_remove, name="cart_remove"),
    path("cart/bundle/<int:pk>/", bundles.bundle_add, name="bundle_add"),
    path("cart/bundle/<int:pk>/remove/", bundles.bundle_remove, name="bundle_remove"),
    path("checkout/", checkout.checkout, name="checkout"),
    path("account/", account.account, name="account"),
    path("account/sign-in/", account.SignIn.as_view(), name="sign_in"),
    path("account/sign-up/", account.sign_up, name="sign_up"),
    path("account/sign-out/", LogoutView.as_view(next_page="shop:home"), name="sign_out"),
    path("account/consent/", account.consent, name="consent"),
    path("account/preferences/", account.preferences, name="preferences"),
    path("account/download/", account.download, name="download"),
    path("account/erase/", account.erase_history, name="erase_history"),
    path("order/<str:number>/", checkout.confirmation, name="confirmation"),
]

urlpatterns = [
    path("", include((shop, "shop"))),
    path("admin/login/", limit_posts("log-in", "20/hour")(admin.site.login)),
    path("admin/", admin.site.urls),
    path("api/similarity/v1/", include("similarity.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(template_name="shop/api_docs.html"),
        name="api_docs",
    ),
    path("robots.txt", site.robots),
    path("favicon.ico", site.favicon),
]

# In a shop under load a web server or a CDN serves photos. The demo serves them itself, also
# outside DEBUG, in which `static()` adds no URLs.
urlpatterns += [
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
]
