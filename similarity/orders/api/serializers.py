"""What is asked about orders in the API, and what is answered."""

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
        help_text="Tier of the first hit: copurchase by orders, complement by the categories that "
        "go together in orders; null without hits.",
    )
    results = HitSerializer(many=True, help_text="Fewer than asked for where orders say no more.")


class BundlesQuerySerializer(QuerySerializer):
    limit = LimitField(2)


class CartBundlesRequestSerializer(RequestSerializer):
    products = KeysField(
        min_length=1, max_length=MAX_CART, help_text="Keys of the products in the cart."
    )
    limit = LimitField(2)


class OfferSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="The bundle's own key, a text.")
    name = serializers.CharField()
    items = CardSerializer(many=True, help_text="One piece of each.")
    total = serializers.CharField(help_text="What the items cost by themselves, as `98.00`.")
    price = serializers.CharField()
    saving = serializers.CharField(help_text="`total` less `price`, above 0.")
    currency = serializers.CharField()


class OffersSerializer(serializers.Serializer):
    bundles = OfferSerializer(
        many=True, help_text="Those that can be bought now, those bought most often first."
    )
