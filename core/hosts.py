"""What a host's name says of where it is."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether what goes to this host, or listens on it, never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
