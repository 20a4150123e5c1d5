"""Events of shoppers from files: CSV and Parquet, as other tools export them."""
