"""Dashboards in other processes: a local socket, or an address with a token."""
