"""The orders of django-oscar, as its sandbox has them and as shops fork them."""

from collections.abc import Collection

from django.conf import settings

from similarity.orders.mapping import MappedOrders


class OscarOrders(MappedOrders):
    """Orders of django-oscar: guests are told apart by their e-mail address.

    Of ``OSCAR_ORDER_STATUS_PIPELINE`` all statuses count but those in ``cancelled``; without a
    pipeline every order counts. Oscar places an order once it is paid. A shop that places it
    earlier names in ``verified`` the statuses that follow the payment.
    """

    cancelled: Collection[str] = ("cancelled", "canceled", "refunded", "returned", "declined")
    verified: Collection[str] = ()

    def __init__(self) -> None:
        pipeline = getattr(settings, "OSCAR_ORDER_STATUS_PIPELINE", {})
        counted = [status for status in pipeline if status.lower() not in self.cancelled]
        super().__init__(
            model="order.Order",
            placed_at="date_placed",
            products="lines__product",
            quantity="lines__quantity",
            customer=["user_id", "guest_email"],
            user="user",
            counted={"status__in": counted} if counted else {},
            verified={"status__in": list(self.verified)} if self.verified else {},
        )
