"""Limits for signing in and ordering, per address."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from similarity import AddressThrottle

View = Callable[..., HttpResponse]


class PostThrottle(AddressThrottle):
    """A throttle whose ``rate`` has REST framework's form: ``20/hour``."""

    def __init__(self, name: str, rate: str) -> None:
        self.rate = rate
        super().__init__(f"shop-{name}")


def limit_posts(name: str, rate: str) -> Callable[[View], View]:
    """Make a view refuse POSTs beyond ``rate`` per address, with 429; GETs are not limited."""

    def decorate(view: View) -> View:
        @wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            throttle = PostThrottle(name, rate)
            if request.method != "POST" or throttle.allow_request(request, None):  # type: ignore[arg-type]
                return view(request, *args, **kwargs)
            response = render(request, "shop/too_many.html", status=429)
            response["Retry-After"] = str(int(throttle.wait() or 1) + 1)
            return response

        return limited

    return decorate
