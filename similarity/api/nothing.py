"""What the API answers below its paths where there is nothing."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request

from similarity.api.base import SimilarityView


class NothingView(SimilarityView):
    """404 in the shape of the API's errors, and not a page of the host's."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404("There is no such path; the OpenAPI document lists those that are.")
