"""Information for operators: status, hints, health."""
