"""Co-demand for stock planning: whose sales move together, read from the host's orders."""
