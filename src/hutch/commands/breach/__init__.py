"""A breach, gate by gate."""
