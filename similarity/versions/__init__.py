"""Sets of vectors made by the same encoders, of which one is live."""
