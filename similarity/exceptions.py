"""Errors the plugin raises; each message says what is wrong, with the value, and what to do."""


class SimilarityError(Exception):
    """Base of every error of this plugin."""


class ConfigurationError(SimilarityError):
    """A setting is missing or wrong."""


class EncoderError(SimilarityError):
    """An encoder cannot be made or its weights cannot be loaded."""


class ImageRejected(SimilarityError):
    """An image is outside the bounds or cannot be decoded; the product goes on without it."""


class VersionError(SimilarityError):
    """An encoder version is missing or is not in the state the call needs."""


class QueryError(SimilarityError):
    """A retrieval call was given arguments it cannot serve."""


class FilterError(QueryError):
    """A filter was given a value that it cannot have; ``parameter`` is the filter's name."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class DemandError(SimilarityError):
    """Sales are too few or too short for what is asked of them."""


class CountError(SimilarityError):
    """Orders cannot be counted, or their counts are not what they should be."""


class BundleError(SimilarityError):
    """A bundle is not in the state the call needs, or cannot be offered as it is."""


class RankerError(SimilarityError):
    """A learned ranker is missing, damaged or of other signals, or cannot be trained."""
