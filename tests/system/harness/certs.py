# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of our own, and servers' certificates by it.

    ca = Authority(path)
    ca.file                       PEM for --ca-file
    ca.server("good")             Pair(cert, key) for localhost, 127.0.0.1
    ca.server("old", days=-1)     expired yesterday
    ca.server("other", names=["mail.example.net"], addresses=[])
    ca.self_signed("alone")       nobody vouches for it
"""
import datetime
import hashlib
import ipaddress
import os
from collections import namedtuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Pair = namedtuple("Pair", "cert key")


def fingerprint(cert_file):
    """SHA-256 of the certificate in hex, as --pin takes it."""
    with open(cert_file, "rb") as f:
        cert = x509.load_pem_x509_certificate(f.read())
    der = cert.public_bytes(serialization.Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def _name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write(path, data, mode):
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as f:
        f.write(data)
    return path


class Authority:
    def __init__(self, path, common="mailhaul test authority"):
        self.path = str(path)
        os.makedirs(self.path, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(common)
        now = datetime.datetime.utcnow()
        self._cert = (
            x509.CertificateBuilder()
            .subject_name(self._name).issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=30))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True,
                content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False,
                encipher_only=False, decipher_only=False), critical=True)
            .sign(self._key, hashes.SHA256()))
        self.file = _write(
            os.path.join(self.path, "ca.pem"),
            self._cert.public_bytes(serialization.Encoding.PEM), 0o644)

    def server(self, label, names=("localhost",), addresses=("127.0.0.1",),
               days=10, own=False):
        """A certificate and key file; days < 0: it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        names, addresses = list(names), list(addresses)
        subject = _name(names[0] if names else label)
        alternatives = [x509.DNSName(n) for n in names] + [
            x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if own else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=20))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH]), critical=False))
        if alternatives:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False)
        cert = builder.sign(key if own else self._key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        base = os.path.join(self.path, label)
        return Pair(
            _write(base + ".crt", cert.public_bytes(pem), 0o644),
            _write(base + ".key", key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()), 0o600))

    def self_signed(self, label="alone"):
        return self.server(label, own=True)
