"""A small shop for the chaos runs of ``benchmarks/chaos.py``: the plugin's, or the peer's."""
