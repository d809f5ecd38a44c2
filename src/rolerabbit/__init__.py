"""RoleRabbit: a small portfolio hosting service on Postgres, operated by the drills, the demo and the tests."""
