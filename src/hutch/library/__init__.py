"""The bundled runbooks."""
