"""Events become documents: the timeline, the update for stakeholders, the post-incident review. Pure."""
