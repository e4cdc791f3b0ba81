"""The hashes of strings that TensorFlow uses, so that buckets are the same."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _fetch(s: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(s[at : at + size], "little")


def _rotate(x: int, by: int) -> int:
    x &= _MASK
    return ((x >> by) | (x << (64 - by))) & _MASK if by else x


def _mix(x: int) -> int:
    x &= _MASK
    return x ^ (x >> 47)


# --- farmhash's Fingerprint64 (G. Pike, 2014) -----------------------------------------------------


def fingerprint(s: bytes) -> int:
    """Fingerprint64: what ``to_hash_bucket_fast`` and the feature columns use."""
    n = len(s)
    if n <= 16:
        return _up_to_16(s, n)
    if n <= 32:
        return _join(*_ends(s, n), _K2 + 2 * n)
    return _up_to_64(s, n) if n <= 64 else _long(s, n)


def _join(u: int, v: int, factor: int) -> int:
    a = _mix(((u ^ v) & _MASK) * factor)
    return _mix(((v & _MASK) ^ a) * factor) * factor & _MASK


def _up_to_16(s: bytes, n: int) -> int:
    factor = _K2 + 2 * n
    if n >= 8:
        a, b = _fetch(s, 0) + _K2, _fetch(s, n - 8)
        return _join(_rotate(b, 37) * factor + a, (_rotate(a, 25) + b) * factor, factor)
    if n >= 4:
        return _join(n + (_fetch(s, 0, 4) << 3), _fetch(s, n - 4, 4), factor)
    if n > 0:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[n - 1] << 2)
        return _mix((y * _K2 & _MASK) ^ (z * _K0 & _MASK)) * _K2 & _MASK
    return _K2


def _ends(s: bytes, n: int, first: int = _K1) -> tuple[int, int]:
    """Two numbers from 16 bytes of each end."""
    a, b = _fetch(s, 0) * first, _fetch(s, 8)
    c, d = _fetch(s, n - 8) * (_K2 + 2 * n), _fetch(s, n - 16) * _K2
    return _rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c


def _up_to_64(s: bytes, n: int) -> int:
    factor = _K2 + 2 * n
    y, other = _ends(s, n, first=_K2)
    z = _join(y, other, factor)
    e, f = _fetch(s, 16) * factor, _fetch(s, 24)
    g, h = (y + _fetch(s, n - 32)) * factor, (z + _fetch(s, n - 24)) * factor
    left = _rotate(e + f, 43) + _rotate(g, 30) + h
    return _join(left, e + _rotate(f + _fetch(s, 0) * _K2, 18) + g, factor)


def _weak(s: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    w, x, y, z = (_fetch(s, at + 8 * i) for i in range(4))
    a += w
    b = _rotate(b + a + z, 21)
    c = a
    a += x + y
    return (a + z) & _MASK, (b + _rotate(a, 44) + c) & _MASK


def _round(s: bytes, at: int, state: tuple[int, ...], factor: int, last: bool) -> tuple[int, ...]:
    """64 bytes into the state x, y, z, v, w."""
    x, y, z, v0, v1, w0, w1 = state
    x = _rotate(x + y + v0 + _fetch(s, at + 8), 37) * factor & _MASK
    y = _rotate(y + v1 + _fetch(s, at + 48), 42) * factor
    x ^= w1 * (9 if last else 1) & _MASK
    y = (y + v0 * (9 if last else 1) + _fetch(s, at + 40)) & _MASK
    z = _rotate(z + w0, 33) * factor & _MASK
    v0, v1 = _weak(s, at, v1 * factor, x + w0)
    w0, w1 = _weak(s, at + 32, z + w1, y + _fetch(s, at + 16))
    return z, y, x, v0, v1, w0, w1


def _long(s: bytes, n: int) -> int:
    y = (81 * _K1 + 113) & _MASK
    state: tuple[int, ...] = (81 * _K2 + _fetch(s, 0), y, _mix(y * _K2 + 113) * _K2, 0, 0, 0, 0)
    end = (n - 1) // 64 * 64
    for at in range(0, end, 64):
        state = _round(s, at, state, _K1, last=False)
    x, y, z, v0, v1, w0, w1 = state
    factor = _K1 + ((z & 0xFF) << 1)
    w0 += (n - 1) & 63
    v0 += w0
    w0 += v0
    x, y, z, v0, v1, w0, w1 = _round(s, n - 64, (x, y, z, v0, v1, w0, w1), factor, last=True)
    left = _join(v0, w0, factor) + _mix(y) * _K0 + z
    return _join(left, _join(v1, w1, factor) + x, factor)


# --- MurmurHash64A (A. Appleby), as TensorFlow seeds it -------------------------------------------


def murmur(s: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """What ``to_hash_bucket`` uses."""
    m, n = 0xC6A4A7935BD1E995, len(s)
    h = seed ^ (n * m & _MASK)
    for at in range(0, n - 7, 8):
        k = _mix(_fetch(s, at) * m) * m & _MASK
        h = (h ^ k) * m & _MASK
    if n % 8:
        h = (h ^ _fetch(s, n - n % 8)) * m & _MASK
    return _mix(_mix(h) * m)


# --- SipHash-2-4 (Aumasson and Bernstein, 2012) ---------------------------------------------------


def _sip_round(v: list[int]) -> None:
    for a, b, c, d, p, q in ((0, 1, 2, 3, 13, 16), (2, 1, 0, 3, 17, 21)):
        v[a] = (v[a] + v[b]) & _MASK
        v[b] = _rotate(v[b], 64 - p) ^ v[a]
        v[c] = (v[c] + v[d]) & _MASK
        v[d] = _rotate(v[d], 64 - q) ^ v[c]
        if a == 0:
            v[0] = _rotate(v[0], 32)
        else:
            v[2] = _rotate(v[2], 32)


def sip(s: bytes, key: tuple[int, int]) -> int:
    """What ``to_hash_bucket_strong`` uses."""
    marks = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v = [mark ^ key[i % 2] & _MASK for i, mark in enumerate(marks)]
    padded = s + bytes(7 - len(s) % 8) + bytes([len(s) & 0xFF])
    for at in range(0, len(padded), 8):
        word = _fetch(padded, at)
        v[3] ^= word
        _sip_round(v)
        _sip_round(v)
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
