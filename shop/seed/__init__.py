"""The demo catalogue: invented products, drawn pictures, orders with habits."""
