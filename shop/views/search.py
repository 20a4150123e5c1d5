"""Search by words and by picture."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from shop.forms import PictureForm, SearchForm
from shop.navigation import top_categories
from shop.search import find
from similarity import ImageRejected
from similarity.search import (
    Outcome,
    PictureThrottle,
    PictureUnavailable,
    asked_by,
    bound_picture_upload,
    encode_picture,
    load_picture_vector,
    store_picture_vector,
)

#: Number of categories on a page without results.
MOST_CATEGORIES = 12

#: Seconds after which to send a picture again that no worker could encode.
RETRY_AFTER_S = 5

#: Notice if the shopper also typed words; without words there are no results to show.
WORDS_ALONE = "Search by picture is not available right now. These results are for your words only."
TOO_MANY = "You have sent many pictures in a short time. Wait a minute, then send this one again."
FORGOTTEN = "That picture has expired. Choose it again to search by it."


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    form.is_valid()
    text = form.cleaned_data.get("q", "")
    token = form.cleaned_data.get("picture", "")
    picture = load_picture_vector(token) if token else None
    context = {"form": form, "query": text, "picture": token if picture is not None else ""}
    if token and picture is None:
        messages.warning(request, FORGOTTEN)
    if text or picture is not None:
        with asked_by(request):
            results = find(form.cleaned_data, request.GET, request.user, picture)
        context["results"] = results
        if results.outcome == Outcome.NOTHING:
            context["starting_points"] = top_categories()[:MOST_CATEGORIES]
    return render(request, "shop/search.html", context)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def by_picture(request: HttpRequest) -> HttpResponse:
    """Show the form, or check an upload's size before reading it; CSRF is checked after that."""
    refused = bound_picture_upload(request) if request.method == "POST" else ""
    if refused:
        form = PictureForm({})
        form.errors["image"] = form.error_class([refused])
        return _form(request, form, status=413)
    return _by_picture(request)


@csrf_protect
def _by_picture(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request, PictureForm(initial={"q": request.GET.get("q", "")[:200]}))
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form, status=400)
    text = form.cleaned_data["q"]
    if not PictureThrottle().allow_request(request, None):  # shares the API's limit
        form.add_error(None, TOO_MANY)
        return _form(request, form, status=429)
    try:
        token = store_picture_vector(encode_picture(form.cleaned_data["image"].read()))
    except ImageRejected as error:
        form.add_error("image", str(error))
        return _form(request, form, status=400)
    except PictureUnavailable as error:
        if text:
            messages.warning(request, WORDS_ALONE)
            return _to_results(q=text)
        form.add_error(None, str(error))
        response = _form(request, form, status=503)
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
    return _to_results(q=text, picture=token)


def _to_results(**asked: str) -> HttpResponse:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in asked.items() if value})
    return redirect(f"{reverse('shop:search')}?{query.urlencode()}")


def _form(request: HttpRequest, form: PictureForm, status: int = 200) -> HttpResponse:
    return render(request, "shop/search_picture.html", {"picture_form": form}, status=status)
