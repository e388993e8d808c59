"""Certificates: read once at the start, and tried on themselves, so that what no caller could use stops the start.

gRPC takes a certificate that does not belong to its key, or is past its last day; callers would have to find out.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import grpc

from engine.language.problems import ProblemsFound, problem
from engine.service.settings import Settings

# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED
_NOT_IN_FORCE: Final = (9, 10)


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """Read the certificates of a server; None: it has none.

    Raises:
        ProblemsFound: `tls-file`, `tls-expired`.
    """
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None or key is None:
        return None
    own, secret = _read(certificate), _read(key)
    authorities = None if client_ca is None else _read(client_ca)
    _try(certificate, key, client_ca)
    return grpc.ssl_server_credentials(
        [(secret, own)], root_certificates=authorities, require_client_auth=authorities is not None
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _unusable(file, f"{(error.strerror or 'it cannot be read').lower()}.") from None


def _try(certificate: Path, key: Path, client_ca: Path | None) -> None:
    """Let a server with these files and a client that trusts the certificate itself shake hands."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        client.load_verify_locations(certificate)
    except ssl.SSLError:
        raise _unusable(certificate, "it holds no certificate in PEM.") from None
    try:
        server.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, ValueError):
        raise _unusable(key, f"it holds no key without a passphrase that belongs to {certificate}.") from None
    if client_ca is not None:
        try:
            server.load_verify_locations(client_ca)
        except ssl.SSLError:
            raise _unusable(client_ca, "it holds no certificate in PEM.") from None
    try:
        _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _NOT_IN_FORCE:
            raise ProblemsFound([problem("tls-expired", None, None, file=certificate)]) from None
        raise _unusable(certificate, f"{error.verify_message}.") from None


def _no_passphrase() -> str:
    """Answer the question for a passphrase, which would otherwise be asked on the terminal."""
    return ""


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_side=False),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


def _unusable(file: Path, reason: str) -> ProblemsFound:
    return ProblemsFound([problem("tls-file", None, None, file=file, reason=reason)])
