"""The platform by Railway's GraphQL API: what its clients ask, answered by the real replicas."""
