"""Consent tools of a host, for tests."""


def by_cookie(request):
    return request.COOKIES.get("tool") == "yes"


def broken(request):
    raise RuntimeError("the tool does not answer")
