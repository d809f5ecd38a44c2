"""From scraped samples to signals, from signals to alerts, from alerts to incidents. Pure: the caller says the time."""
