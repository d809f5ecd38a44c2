"""What things are: frozen values and pure transitions. Imports only the standard library's pure part."""
