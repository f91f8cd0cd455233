"""Everything a camera can be: devices, streams, and files that stand in for them, one a file."""
