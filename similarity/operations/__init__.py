"""What operators read: status, hints, health."""
