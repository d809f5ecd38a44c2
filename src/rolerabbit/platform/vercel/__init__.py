"""The platform by Vercel's REST API: what its clients ask, answered by the real replicas."""
