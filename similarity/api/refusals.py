"""What every endpoint may answer instead of what was asked, for OpenAPI."""

from drf_spectacular.utils import OpenApiResponse

from similarity.api.serializers import ErrorSerializer


def refusal(description: str) -> OpenApiResponse:
    """An answer of the errors' one shape."""
    return OpenApiResponse(ErrorSerializer, description)


#: Status → refusal, of every endpoint.
ANY = {
    403: refusal("Not permitted."),
    404: refusal("There is no renderer of that `format`."),
    406: refusal("No renderer gives what `Accept` asks for."),
    429: refusal("Too many requests; `Retry-After` says when to come back."),
    503: refusal("The database does not answer; `Retry-After` says when to come back."),
}
#: Of those that are asked by a query string.
BY_QUERY = {
    **ANY,
    400: refusal("A parameter that is not known, or a value that cannot be served."),
}
#: Of those about one product.
OF_A_PRODUCT = {
    **BY_QUERY,
    404: refusal("There is no such product, or no renderer of that `format`."),
}
#: Of those that are asked by a body of JSON.
BY_BODY = {
    **ANY,
    400: refusal(
        "A body that is no JSON object, or a field that is not known or cannot be served."
    ),
    415: refusal("The body is not `application/json`."),
}
