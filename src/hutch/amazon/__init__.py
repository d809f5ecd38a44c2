"""Calls of Amazon's services, for every provider that makes some. boto3 is loaded with :mod:`hutch.amazon.calls`."""
