"""Rotating secrets that a store keeps and a platform hands over at the start: the ring of a key, stage by stage."""
