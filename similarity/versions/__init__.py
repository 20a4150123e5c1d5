"""Versions: sets of vectors made by the same encoders; one version is live."""
