"""A certificate of localhost, signed by itself."""

import shutil
import subprocess
from pathlib import Path

import pytest


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """PEM files of a certificate and its key; skips the test where openssl is not installed."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl makes the certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
