from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, UsernameField

from shop.cart import MAX_QUANTITY
from similarity import MAX_FILTER_LENGTH, MAX_FILTER_VALUES


class PriceForm(forms.Form):
    """A lowest and a highest price, checked for their order."""

    min_price = forms.DecimalField(label="From", required=False, min_value=0, max_digits=12)
    max_price = forms.DecimalField(label="To", required=False, min_value=0, max_digits=12)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter-%s")
        for name in ("min_price", "max_price"):
            self.fields[name].widget.attrs |= {"inputmode": "decimal", "step": "any"}
            self.fields[name].error_messages["invalid"] = "A price must be a number."
            self.fields[name].error_messages["min_value"] = "A price must not be below zero."

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or {}
        lowest, highest = chosen.get("min_price"), chosen.get("max_price")
        if lowest is not None and highest is not None and lowest > highest:
            del chosen["min_price"]  # either may be wrong, so neither is used
            self.add_error(
                "max_price", f"The highest price ({highest}) is below the lowest ({lowest})."
            )
        return chosen

    @property
    def messages(self) -> list[str]:
        """Return the errors, one sentence each."""
        return [message for errors in self.errors.values() for message in errors]


class FilterForm(PriceForm):
    """The filters of a list of products, sent by GET."""

    brand = forms.MultipleChoiceField(required=False)
    colour = forms.MultipleChoiceField(required=False)
    in_stock = forms.BooleanField(label="In stock only", required=False)
    sort = forms.ChoiceField(required=False)

    def __init__(self, data: Any, *, choices: Any, sorts: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["brand"].choices = choices.brands
        self.fields["colour"].choices = [(name, name.capitalize()) for name in choices.colours]
        self.fields["sort"].choices = sorts
        for name in ("brand", "colour"):
            self.fields[name].error_messages["invalid_choice"] = (
                f"No product here has the {name} “%(value)s”."
            )


class ValuesField(forms.MultipleChoiceField):
    """A field whose choices are known only after the search: it accepts any short text, up to
    a limit of values."""

    def to_python(self, value: Any) -> list[str]:
        return list(super().to_python(value)[:MAX_FILTER_VALUES])

    def valid_value(self, value: str) -> bool:
        return 0 < len(value) <= MAX_FILTER_LENGTH and "\0" not in value


class SearchForm(PriceForm):
    """A search with its filters, sent by GET. ``picture`` names a picture sent before."""

    q = forms.CharField(label="Search", max_length=200, required=False)
    picture = forms.CharField(max_length=40, required=False)
    category = ValuesField(required=False)
    brand = ValuesField(required=False)
    colour = ValuesField(required=False)
    color = ValuesField(required=False)
    material = ValuesField(required=False)
    in_stock = forms.BooleanField(label="In stock only", required=False)
    sort = forms.CharField(required=False)
    after = forms.CharField(max_length=400, required=False)


class PictureForm(forms.Form):
    """A picture to search by, with or without words."""

    image = forms.FileField(
        label="Picture",
        error_messages={
            "required": "Choose a picture, or take one.",
            "empty": "The picture is empty.",
        },
        widget=forms.FileInput({"accept": "image/*", "data-preview": "picture-preview"}),
    )
    q = forms.CharField(
        label="Words beside it (optional)",
        max_length=200,
        required=False,
        widget=forms.TextInput({"placeholder": "navy, leather, for children …"}),
    )


class AddForm(forms.Form):
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, initial=1)


class QuantityForm(forms.Form):
    """A quantity in the cart; 0 removes the product."""

    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY)


class CheckoutForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        help_text="Stored with your order; this demonstration sends no e-mail.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    name = forms.CharField(
        label="Full name", max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    street = forms.CharField(
        label="Street and number",
        max_length=200,
        widget=forms.TextInput({"autocomplete": "street-address"}),
    )
    postcode = forms.CharField(
        max_length=20, widget=forms.TextInput({"autocomplete": "postal-code"})
    )
    city = forms.CharField(
        label="Town or city",
        max_length=100,
        widget=forms.TextInput({"autocomplete": "address-level2"}),
    )
    country = forms.CharField(
        max_length=100, widget=forms.TextInput({"autocomplete": "country-name"})
    )

    @property
    def address(self) -> str:
        data = self.cleaned_data
        return f"{data['street']}\n{data['postcode']} {data['city']}\n{data['country']}"


class SignInForm(AuthenticationForm):
    username = UsernameField(
        label="User name",
        widget=forms.TextInput({"autocomplete": "username", "autofocus": True}),
    )


class SignUpForm(BaseUserCreationForm):
    class Meta(BaseUserCreationForm.Meta):
        fields = ("username",)
        widgets = {"username": forms.TextInput({"autocomplete": "username"})}
