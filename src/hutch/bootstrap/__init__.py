"""The only place where configuration is read and objects are wired."""
