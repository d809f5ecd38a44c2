"""The platform by Amazon's JSON API for ECS and CloudWatch Logs: what boto3 asks, answered by the real replicas."""
