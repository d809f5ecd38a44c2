"""What the pages show, made from events and folded state. Pure: no request, no store, no clock."""
