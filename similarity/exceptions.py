"""Errors the plugin raises; each message names the fault, the value and the remedy."""


class SimilarityError(Exception):
    """Base class of every error of this plugin."""


class ConfigurationError(SimilarityError):
    """A setting is missing or wrong."""


class EncoderError(SimilarityError):
    """An encoder cannot be created, or its weights cannot be loaded."""


class ImageRejected(SimilarityError):
    """An image exceeds the limits or cannot be decoded; the product is embedded without it."""


class VersionError(SimilarityError):
    """An encoder version is missing or is not in the state the call needs."""


class QueryError(SimilarityError):
    """A retrieval call has arguments it cannot serve."""


class FilterError(QueryError):
    """A filter has an invalid value; ``parameter`` is the filter's name."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class DemandError(SimilarityError):
    """Sales are too few, or cover too short a time, for the question."""


class CountError(SimilarityError):
    """Orders cannot be counted, or their counts are inconsistent."""


class BundleError(SimilarityError):
    """A bundle is not in the state the call needs, or cannot be offered as it is."""


class RankerError(SimilarityError):
    """A learned ranker is missing, damaged, made for other signals, or cannot be trained."""


class ArtefactError(SimilarityError):
    """The stored weights of a model of shoppers are damaged, or made by another version."""


class TrainingError(SimilarityError):
    """A model of shoppers cannot be trained on these events or with these options."""


class EventError(SimilarityError):
    """Events cannot be read from a file, or a shopper cannot be found."""
