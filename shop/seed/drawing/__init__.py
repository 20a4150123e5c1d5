"""Pictures of the demo products, drawn by code."""
