"""What a statement can do: classifiers for SQL, shell and HTTP (pure; knowledge in TOML)."""
