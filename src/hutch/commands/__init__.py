"""One function for each thing that a person, an alert or a clock does. Thin shells call these; nobody else writes."""
