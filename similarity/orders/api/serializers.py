"""Serializers for the API of orders: requests and responses."""

from rest_framework import serializers

from similarity.api.fields import KeysField, LimitField
from similarity.api.serializers import (
    CardSerializer,
    ExplainedRequest,
    FilteredQuerySerializer,
    FiltersSerializer,
    HitSerializer,
    QuerySerializer,
    RequestSerializer,
)
from similarity.orders.partner_shelf import MAX_CART


class BoughtTogetherQuerySerializer(ExplainedRequest, FilteredQuerySerializer):
    limit = LimitField(4)


class CartRequestSerializer(ExplainedRequest, RequestSerializer):
    products = KeysField(
        min_length=1, max_length=MAX_CART, help_text="Keys of the products in the cart."
    )
    limit = LimitField(4)
    filters = FiltersSerializer(required=False)


class CompanionsSerializer(serializers.Serializer):
    tier = serializers.CharField(
        allow_null=True,
        help_text="Tier of the first hit: copurchase (from orders) or complement (from categories "
        "that go together in orders); null without hits.",
    )
    results = HitSerializer(
        many=True, help_text="Fewer than `limit` if the orders support no more."
    )


class BundlesQuerySerializer(QuerySerializer):
    limit = LimitField(2)


class CartBundlesRequestSerializer(RequestSerializer):
    products = KeysField(
        min_length=1, max_length=MAX_CART, help_text="Keys of the products in the cart."
    )
    limit = LimitField(2)


class OfferSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="The bundle's key, as text.")
    name = serializers.CharField()
    items = CardSerializer(many=True, help_text="The products, one piece of each.")
    total = serializers.CharField(
        help_text="The sum of the items' own prices, for example `98.00`."
    )
    price = serializers.CharField()
    saving = serializers.CharField(help_text="`total` minus `price`, above 0.")
    currency = serializers.CharField()


class OffersSerializer(serializers.Serializer):
    bundles = OfferSerializer(
        many=True, help_text="Bundles that can be bought now, the most bought first."
    )
