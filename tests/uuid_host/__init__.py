"""A second host: UUID keys, other field names, the product model made in a later migration."""
