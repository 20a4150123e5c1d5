"""Re-ordering a list of results: what is known of each, and how it becomes one score."""
