"""Classify hosts."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether traffic to this host never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
