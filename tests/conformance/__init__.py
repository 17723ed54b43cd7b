"""The matching core against what others published, through its Python package."""
