"""Rows of Parquet files; it imports no other adapter, and its library only when it reads."""
