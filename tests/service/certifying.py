"""Certificates for tests: an authority of its own, a server's for 127.0.0.1, a client's."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.service.serving import Certificates

DAY = timedelta(days=1)


def certificates(folder: Path, *, server_days: int = 1, client_days: int = 1) -> Certificates:
    """Write certificates.

    Args:
        folder: where to.
        server_days: how many days from now the server's ends; negative: it has ended.
        client_days: likewise of the client's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority of a test", key, None, 10)
    server_key, client_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    server = _certificate("server", server_key, (authority, key), server_days)
    client = _certificate("client", client_key, (authority, key), client_days)
    return Certificates(
        authority=_pem(folder / "authority.pem", authority),
        server=_pem(folder / "server.pem", server),
        server_key=_key_pem(folder / "server.key", server_key),
        client=_pem(folder / "client.pem", client),
        client_key=_key_pem(folder / "client.key", client_key),
    )


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    days: int,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 20 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if by is not None:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(key if by is None else by[1], hashes.SHA256())


def _pem(file: Path, certificate: x509.Certificate) -> Path:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file


def _key_pem(file: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    plain = serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return file
