"""The laptop's deploy platform: keeps releases, runs one as real processes on one socket, and answers over HTTP."""
