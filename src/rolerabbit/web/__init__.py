"""The HTTP side: thin routes over accounts, portfolios and the two trails."""
