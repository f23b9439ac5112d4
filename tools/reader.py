#!/usr/bin/env python3
"""Reads a Strongroom repository in a directory: an independent second reader.

Written from docs/repository-format.md alone, so that the document is known to be enough, and so that data can be had back
without any of Strongroom's own code. Needs Debian's python3-cryptography and python3-zstandard; nothing else.

    reader.py REPOSITORY --password-file F | --key-file F   list
    reader.py REPOSITORY …                                  check               every byte of every object
    reader.py REPOSITORY …                                  restore ID TARGET   a disk to the file, a tree under the directory

Section numbers in comments are those of the document. It is written to be read, not to be fast: a few MB/s.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import stat
import struct
import sys
from functools import lru_cache
from pathlib import Path

import zstandard
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

ZERO = bytes(32)
DIRECTORY_UNIT = TAIL_UNIT = 0xFFFFFFFF


class Damaged(Exception):
    """An object is not as written; the text names it."""


# ---- keyed BLAKE3 (the published algorithm, one compression at a time) ------------------------------------------------

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS_AND_DIAGONALS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                         (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16


def compress(chaining, block, counter, length, flags):
    v = list(chaining) + list(IV[:4]) + [counter & 0xFFFFFFFF, counter >> 32, length, flags]
    m = struct.unpack("<16I", block.ljust(64, b"\0"))
    for round_number in range(7):
        for i, (a, b, c, d) in enumerate(COLUMNS_AND_DIAGONALS):
            for word, right_d, right_b in ((m[2 * i], 16, 12), (m[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
                x = v[d] ^ v[a]
                v[d] = (x >> right_d | x << (32 - right_d)) & 0xFFFFFFFF
                v[c] = (v[c] + v[d]) & 0xFFFFFFFF
                x = v[b] ^ v[c]
                v[b] = (x >> right_b | x << (32 - right_b)) & 0xFFFFFFFF
        if round_number < 6:
            m = tuple(m[p] for p in PERMUTATION)
    return [v[i] ^ v[i + 8] for i in range(8)]


def blake3_keyed(key, data):
    words = struct.unpack("<8I", key)

    def chunk_output(index, piece):
        chaining = words
        blocks = [piece[i:i + 64] for i in range(0, len(piece), 64)] or [b""]
        for i, block in enumerate(blocks[:-1]):
            chaining = compress(chaining, block, index, 64, KEYED | (CHUNK_START if i == 0 else 0))
        flags = KEYED | CHUNK_END | (CHUNK_START if len(blocks) == 1 else 0)
        return chaining, blocks[-1], index, len(blocks[-1]), flags

    def subtree(first, pieces):  # the output of a subtree, not yet compressed, since only the root gets the flag ROOT
        if len(pieces) == 1:
            return chunk_output(first, pieces[0])
        left = 1 << (len(pieces) - 1).bit_length() - 1
        pair = compress(*subtree(first, pieces[:left])) + compress(*subtree(first + left, pieces[left:]))
        return words, struct.pack("<16I", *pair), 0, 64, KEYED | PARENT

    pieces = [data[i:i + 1024] for i in range(0, len(data), 1024)] or [b""]
    chaining, block, counter, length, flags = subtree(0, pieces)
    return struct.pack("<8I", *compress(chaining, block, counter, length, flags | ROOT))


# ---- section 1: conventions -------------------------------------------------------------------------------------------

def crc32c_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


CRC32C = tuple(crc32c_table())


def crc32c(data):
    n = 0xFFFFFFFF
    for byte in data:
        n = n >> 8 ^ CRC32C[(n ^ byte) & 255]
    return n ^ 0xFFFFFFFF


def derive(key, salt, info):
    return HKDF(hashes.SHA256(), 32, salt or None, info.encode("ascii")).derive(key)


def nonce(n):
    return struct.pack("<I", n) + bytes(8)


def unseal(key, number, sealed, aad, what):
    try:
        return AESGCM(key).decrypt(nonce(number), bytes(sealed), aad)
    except InvalidTag:
        raise Damaged(f"{what}: the seal is broken") from None


class Bytes:
    """Reads fields one after the other; never past the end."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Damaged(f"{self.what}: ends in the middle of a field")
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def fields(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def varint(self):
        value = shift = 0
        for _ in range(10):
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise Damaged(f"{self.what}: a number is too long")

    def zigzag(self):
        n = self.varint()
        return n >> 1 ^ -(n & 1)

    def counted(self):
        return self.take(self.varint())

    def more(self):
        return self.at < len(self.data)


# ---- section 3: keys --------------------------------------------------------------------------------------------------

def checked_json(raw, check, what):
    lines = raw.split(b"\n")
    if len(lines) != 3 or lines[2] or not hmac.compare_digest(check(lines[0]).hex().encode(), lines[1]):
        raise Damaged(f"{what}: does not fit its check")
    return json.loads(lines[0])


def mac(key):
    return lambda line: hmac.new(key, line, hashlib.sha256).digest()


class Repository:
    def __init__(self, folder, password=None, key_file=None):
        self.folder = Path(folder)
        config = self.read("config")
        for name in self.names("keys"):
            try:
                master = self.open_slot(name, password, key_file)
                if master is None:
                    continue
                self.config = checked_json(config, mac(derive(master, b"", "strongroom/config")), "config")
                self.master = master
                break
            except Damaged as damage:
                print(f"passed over {damage}", file=sys.stderr)
        else:
            raise SystemExit("no key slot opens with this key, or config does not fit it")
        if self.config["version"] != 1:
            raise SystemExit("the repository has a newer format")

    def read(self, name):
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise Damaged(f"{name}: missing") from None

    def names(self, prefix):
        top = self.folder / prefix
        return sorted(str(p.relative_to(self.folder)) for p in top.rglob("*") if p.is_file()) if top.is_dir() else []

    def check_slot(self, name):
        slot = checked_json(self.read(name), lambda line: hashlib.sha256(line).digest(), name)
        if name != "keys/" + slot["slot"]:
            raise Damaged(f"{name}: is slot {slot['slot']}")
        return slot

    def open_slot(self, name, password, key_file):
        slot = self.check_slot(name)
        salt = bytes.fromhex(slot["salt"])
        if slot["kind"] == "password" and password is not None:
            kdf = PBKDF2HMAC(hashes.SHA256(), 32, salt, slot["iterations"])
            wrapping = kdf.derive(password.encode("utf-8"))
        elif slot["kind"] == "key-file" and key_file is not None:
            wrapping = derive(key_file, salt, "strongroom/key-file")
        else:
            return None
        return unseal(wrapping, 0, bytes.fromhex(slot["wrapped"]), name.encode(), name)

    def domains(self):
        """Every domain that has any object: one whose key is gone is damaged."""
        return [Domain(self, name) for name in sorted({name.split("/")[1] for name in self.names("domains")})]


class Domain:
    def __init__(self, repository, name):
        self.repository, self.name, self.prefix = repository, name, f"domains/{name}/"
        what = self.prefix + "key"
        m = repository.master
        key = checked_json(repository.read(what), mac(derive(m, b"", "strongroom/domain-check")), what)
        salt = bytes.fromhex(key["salt"])
        secret = unseal(derive(m, salt, "strongroom/domain-wrap"), 0, bytes.fromhex(key["secret"]), what.encode(), what)
        self.public_key = serialization.load_der_public_key(base64.b64decode(key["public_key"]))
        self.chunk_key = derive(secret, b"", "strongroom/chunk-id")
        self.page_key = derive(secret, b"", "strongroom/page-id")
        self.sealing_key = derive(secret, b"", "strongroom/seal")
        self.where = None

    # -- section 5: packs

    def open_pack(self, name):
        raw = self.repository.read(name)
        if len(raw) < 48 or raw[:8] != b"STRGPACK" or raw[-12:] != bytes(4) + b"STRGPEND":
            raise Damaged(f"{name}: not a whole pack")
        version, kind, pack_id = struct.unpack("<HB5x16s", raw[8:32])
        if version != 1 or kind not in (1, 2) or pack_id.hex() != name.rsplit("/", 1)[1]:
            raise Damaged(f"{name}: its header is not its own")
        (length,) = struct.unpack("<I", raw[-16:-12])
        start = len(raw) - 16 - length
        if start < 32:
            raise Damaged(f"{name}: the directory is longer than the pack")
        plain = unseal(derive(self.sealing_key, pack_id, "strongroom/pack"), DIRECTORY_UNIT, raw[start:-16], raw[:32], name)
        f = Bytes(plain, name)
        segments, chunks, origins = f.fields("III")
        origin_ids = [f.take(16) for _ in range(origins)]
        table = [f.fields("IIIIIHBx") for _ in range(segments)]
        entries = [(f.take(32), *f.fields("I")) for _ in range(chunks)]
        expected = 32
        at = 0
        for ordinal, (offset, stored, plain_length, origin_ordinal, count, origin, codec) in enumerate(table):
            if offset != expected or sum(length for _, length in entries[at:at + count]) != plain_length:
                raise Damaged(f"{name}: segment {ordinal} does not add up")
            expected += stored
            at += count
        if expected != start or at != chunks or f.more():
            raise Damaged(f"{name}: the directory does not add up")
        return raw, kind, origin_ids, table, entries

    def check_parity(self, name):
        """By itself, and against its pack: every sum, and the exclusive or of each column."""
        raw = self.repository.read(name)
        if len(raw) < 80 or raw[:8] != b"STRGPRTY":
            raise Damaged(f"{name}: not a parity")
        version, pack_id, pack_bytes, columns, zero = struct.unpack("<H6x16sQII", raw[8:48])
        blocks = (pack_bytes + 4095) // 4096
        head = 48 + 4 * (blocks + columns)
        if version != 1 or any(raw[10:16]) or zero or pack_id.hex() != name.rsplit("/", 1)[1] or columns & (columns - 1) or not columns:
            raise Damaged(f"{name}: its header is not its own")
        if len(raw) != head + 32 + 4096 * columns or hashlib.sha256(raw[:head]).digest() != raw[head:head + 32]:
            raise Damaged(f"{name}: its head is not as it was written")
        sums = struct.unpack(f"<{blocks + columns}I", raw[48:head])
        parity = [raw[at:at + 4096] for at in range(head + 32, len(raw), 4096)]
        for column, block in enumerate(parity):
            if crc32c(block) != sums[blocks + column]:
                raise Damaged(f"{name}: block {column} is not as it was written")
        pack_name = name.replace("/parity/", "/packs/")
        if not (self.repository.folder / pack_name).exists():
            return
        pack = self.repository.read(pack_name)
        left = [int.from_bytes(block, "little") for block in parity]
        for block in range(blocks):
            piece = pack[4096 * block:4096 * (block + 1)]
            if crc32c(piece) != sums[block]:
                raise Damaged(f"{pack_name}: block {block} is not what {name} has a sum of")
            left[block % columns] ^= int.from_bytes(piece, "little")
        if len(pack) != pack_bytes or any(left):
            raise Damaged(f"{name}: is not the parity of its pack")

    def open_segment(self, raw, name, origin_ids, segment, ordinal):
        offset, stored, plain_length, origin_ordinal, _, origin, codec = segment
        what = f"{name}, segment {ordinal} at offset {offset}"
        origin_id = origin_ids[origin]
        aad = origin_id + struct.pack("<IIB", origin_ordinal, plain_length, codec)
        packed = unseal(derive(self.sealing_key, origin_id, "strongroom/pack"), origin_ordinal, raw[offset:offset + stored], aad, what)
        if codec == 1:
            try:
                packed = zstandard.ZstdDecompressor().decompress(packed, max_output_size=plain_length)
            except zstandard.ZstdError as error:
                raise Damaged(f"{what}: {error}") from None
        if len(packed) != plain_length:
            raise Damaged(f"{what}: unpacks to another length")
        return packed

    def load_packs(self):
        """Where every chunk is, from the packs themselves: indexes hold nothing that packs do not (section 6)."""
        self.where = {}
        for name in self.repository.names(self.prefix + "packs"):
            try:
                _, _, _, table, entries = self.open_pack(name)
            except Damaged as damage:
                print(f"passed over {damage}", file=sys.stderr)
                continue
            at = 0
            for ordinal, segment in enumerate(table):
                offset = 0
                for chunk_id, length in entries[at:at + segment[4]]:
                    self.where[chunk_id] = (name, ordinal, offset, length)
                    offset += length
                at += segment[4]

    @lru_cache(maxsize=2)
    def pack(self, name):
        return self.open_pack(name)

    @lru_cache(maxsize=64)
    def segment(self, name, ordinal):
        raw, _, origins, table, _ = self.pack(name)
        return self.open_segment(raw, name, origins, table[ordinal], ordinal)

    def hash(self, key, data):
        if self.repository.config["hash"] == "blake3-keyed":
            return blake3_keyed(key, data)
        return hmac.new(key, data, hashlib.sha256).digest()

    def chunk(self, chunk_id, page=False):
        if self.where is None:
            self.load_packs()
        if chunk_id not in self.where:
            raise Damaged(f"chunk {chunk_id.hex()}: in no pack")
        name, ordinal, offset, length = self.where[chunk_id]
        plain = self.segment(name, ordinal)[offset:offset + length]
        if self.hash(self.page_key if page else self.chunk_key, plain) != chunk_id:
            raise Damaged(f"{name}, segment {ordinal}: chunk {chunk_id.hex()} has another content")
        return plain

    def where_is(self, chunk_id):
        if chunk_id not in self.where:
            raise Damaged(f"chunk {chunk_id.hex()}: in no pack")

    # -- section 6: index runs

    def check_run(self, name):
        raw = self.repository.read(name)
        if len(raw) < 48 or raw[:8] != b"STRGINDX" or raw[-12:] != bytes(4) + b"STRGIEND" or raw[16:32].hex() != name.rsplit("/", 1)[1]:
            raise Damaged(f"{name}: not a whole run of its own")
        header = raw[:32]
        key = derive(self.sealing_key, header[16:], "strongroom/index")
        (length,) = struct.unpack("<I", raw[-16:-12])
        tail = Bytes(unseal(key, TAIL_UNIT, raw[-16 - length:-16], header + struct.pack("<I", TAIL_UNIT), name), name)
        entries, blocks, packs, pages = tail.fields("QIII")
        fences = [tail.take(16) for _ in range(blocks)]
        packs = [tail.fields("16sII") for _ in range(packs)]
        pages = [tail.fields("QI") for _ in range(pages)]
        at, unit, seen, last = 32, 0, 0, b""

        def next_unit(plain_length, what):
            nonlocal at, unit
            sealed = raw[at:at + plain_length + 16]
            plain = unseal(key, unit, sealed, header + struct.pack("<I", unit), f"{name}, {what}")
            at += len(sealed)
            unit += 1
            return plain

        filters = b""
        for block in range(blocks):
            what = f"block {block}"
            plain = next_unit(28 * min(2340, entries - block * 2340), what)
            if plain[:16] != fences[block]:
                raise Damaged(f"{name}, {what}: does not begin where the tail says")
            bits = 0
            for i in range(0, len(plain), 28):
                prefix = plain[i:i + 16]
                pack, segment = struct.unpack("<IH", plain[i + 16:i + 22])
                offset, size = (int.from_bytes(plain[i + j:i + j + 3], "little") for j in (22, 25))
                if prefix < last or pack >= len(packs):
                    raise Damaged(f"{name}, {what}: out of order, or of an unknown pack")
                last = prefix
                seen += 1
                self.by_prefix.setdefault(prefix, []).append((packs[pack][0].hex(), segment, offset, size))
                for v in struct.unpack("<4H", prefix[8:]):
                    bits |= 1 << (v * 18720 >> 16)
            filters += bits.to_bytes(2340, "little")
            if block % 28 == 27 or block == blocks - 1:
                if next_unit(len(filters), f"the filter of {what}") != filters:
                    raise Damaged(f"{name}: the filter of {what} is not that of its entries")
                filters = b""
        if seen != entries:
            raise Damaged(f"{name}: {seen} entries of {entries}")
        records = []
        for number, (offset, plain_length) in enumerate(pages):
            if offset != at:
                raise Damaged(f"{name}: pack page {number} is not at {offset}")
            records.append(next_unit(plain_length, f"pack page {number}"))
        if at != len(raw) - 16 - length or tail.more():
            raise Damaged(f"{name}: its parts do not add up to it")
        for pack_id, page, offset in packs:
            self.check_record(name, pack_id, records[page][offset:])

    def check_record(self, name, pack_id, record):
        """What a run says of a pack is what the pack says of itself; a pack that is gone is no damage (section 6)."""
        f = Bytes(record, f"{name}, pack {pack_id.hex()}")
        told_id, kind, size, segments, origins = f.fields("16sB3xIII")
        told = (kind, size, [f.take(16) for _ in range(origins)], [f.fields("IIIIHBx") for _ in range(segments)])
        pack = f"{self.prefix}packs/{pack_id.hex()[:2]}/{pack_id.hex()}"
        try:
            raw, kind, origin_ids, table, _ = self.open_pack(pack)
        except Damaged:
            return  # reported with the packs
        if told_id != pack_id or told != (kind, len(raw), origin_ids, [t[:4] + t[5:] for t in table]):
            raise Damaged(f"{f.what}: described otherwise than it is")

    # -- section 9: roots

    def roots(self):
        for name in self.repository.names(self.prefix + "backups"):
            yield name, self.root(name)

    def root(self, name):
        raw = self.repository.read(name)
        if len(raw) < 96 or raw[:8] != b"STRGROOT":
            raise Damaged(f"{name}: not a root")
        version, kind, id_length, body_length, salt = struct.unpack("<HBBI16s", raw[8:32])
        if version != 1 or len(raw) != 32 + id_length + body_length + 64:
            raise Damaged(f"{name}: its lengths do not add up")
        signature = raw[-64:]
        try:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            self.public_key.verify(encode_dss_signature(r, s), raw[:-64], ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise Damaged(f"{name}: the signature is not that of the domain") from None
        head = raw[:32 + id_length]
        if head[32:].decode() != name.rsplit("/", 1)[1]:
            raise Damaged(f"{name}: is the root of another backup")
        if kind == 2:
            return None
        body = unseal(derive(self.sealing_key, salt, "strongroom/root"), 0, raw[32 + id_length:-64], head, name)
        return json.loads(body)

    # -- section 10: what running and interrupted work has left

    def check_session(self, name):
        session = checked_json(self.repository.read(name), lambda line: hashlib.sha256(line).digest(), name)
        if session["session"] != name.rsplit("/", 1)[1]:
            raise Damaged(f"{name}: is session {session['session']}")

    def check_mark(self, name):
        mark = checked_json(self.repository.read(name), lambda line: hashlib.sha256(line).digest(), name)
        if mark["backup"] != name.rsplit("/", 1)[1]:
            raise Damaged(f"{name}: is the mark of {mark['backup']}")

    def check_collection(self, name):
        raw = self.repository.read(name)
        is_void = len(raw) == 32
        if len(raw) < 32 or raw[:16] != b"STRGCOLL" + struct.pack("<HB5x", 1, is_void) or raw[16:32].hex() != name.rsplit("/", 1)[1]:
            raise Damaged(f"{name}: not a whole collection of its own")
        if is_void:
            return
        plain = unseal(derive(self.sealing_key, raw[16:32], "strongroom/collection"), 0, raw[32:], raw[:32], name)
        roots = 4 + 16 * struct.unpack("<I", plain[:4])[0]
        if len(plain) != roots and (len(plain) < roots + 4 or len(plain) != roots + 4 + 32 * struct.unpack("<I", plain[roots:roots + 4])[0]):
            raise Damaged(f"{name}: its length does not fit its counts")

    # -- section 7: disks

    def disk_chunks(self, member):
        """Yields (offset, length, id) of every chunk that is not all zero."""
        chunk_bytes = self.repository.config["disk_chunk_bytes"]
        size = member["size_bytes"]

        def page(page_id, height, first):
            if page_id == ZERO:
                return
            ids = self.chunk(page_id, page=True)
            if len(ids) % 32 or not 32 <= len(ids) <= 2048:
                raise Damaged(f"map page {page_id.hex()}: {len(ids)} bytes")
            for i in range(len(ids) // 32):
                child = ids[32 * i:32 * i + 32]
                at = first + i * 64 ** (height - 1)
                if height > 1:
                    yield from page(child, height - 1, at)
                elif child != ZERO:
                    offset = at * chunk_bytes
                    yield offset, min(chunk_bytes, size - offset), child

        yield from page(bytes.fromhex(member["root"]), member["height"], 0)

    def restore_disk(self, member, target):
        with open(target, "wb") as out:
            out.truncate(member["size_bytes"])
            for offset, length, chunk_id in self.disk_chunks(member):
                plain = self.chunk(chunk_id)
                if len(plain) != length:
                    raise Damaged(f"chunk {chunk_id.hex()}: {len(plain)} bytes at offset {offset}, not {length}")
                out.seek(offset)
                out.write(plain)

    # -- section 8: trees

    def entry(self, f):
        e = {"name": f.counted(), "type": f.take(1)[0]}
        flags = f.varint()
        for field in ("mode", "uid", "gid"):
            e[field] = f.varint()
        e["mtime"] = f.zigzag()
        e["ctime"] = e["mtime"] + f.zigzag()
        for field in ("device", "inode", "links"):
            e[field] = f.varint()
        e["user"] = f.counted() if flags & 1 else None
        e["group"] = f.counted() if flags & 2 else None
        e["xattrs"] = [(f.counted(), f.counted()) for _ in range(f.varint())] if flags & 4 else []
        if e["type"] == 1:
            e["size"] = f.varint()
            e["content"] = list(self.content(f))
            if sum(length for length, _ in e["content"]) != e["size"]:
                raise Damaged(f"{f.what}: the content of {e['name']!r} does not add up to its size")
        elif e["type"] == 2:
            e["page"] = f.take(32)
        elif e["type"] == 3:
            e["target"] = f.counted()
        elif e["type"] in (6, 7):
            e["rdev"] = (f.varint(), f.varint())
        elif e["type"] not in (4, 5):
            raise Damaged(f"{f.what}: type {e['type']}")
        return e

    def content(self, f, depth=0):
        """Yields (length, chunk id or None for a hole)."""
        level, count = f.varint(), f.varint()
        if depth > 8:
            raise Damaged(f"{f.what}: content lists too deep")
        for _ in range(count):
            if level == 0:
                n = f.varint()
                yield n >> 1, None if n & 1 else f.take(32)
            else:
                page_id, _ = f.take(32), f.varint()
                yield from self.content(Bytes(self.chunk(page_id, page=True), f"content page {page_id.hex()}"), depth + 1)

    def entries(self, page_id, depth=0):
        if page_id == ZERO:
            return
        if depth > 8:
            raise Damaged(f"directory page {page_id.hex()}: too many levels")
        f = Bytes(self.chunk(page_id, page=True), f"directory page {page_id.hex()}")
        (level,) = f.take(1)
        while f.more():
            if level == 0:
                e = self.entry(f)
                if not 0 < len(e["name"]) < 256 or b"/" in e["name"] or b"\0" in e["name"] or e["name"] in (b".", b".."):
                    raise Damaged(f"{f.what}: {e['name']!r} is not a name")
                yield e
            else:
                child = f.take(32)
                f.counted()
                yield from self.entries(child, depth + 1)

    def tree_root(self, member):
        return self.entry(Bytes(base64.b64decode(member["root"]), "root entry"))

    def walk(self, directory, path=b"", depth=0):
        if depth > 1024:
            raise Damaged("a tree deeper than 1,024 directories")
        for e in self.entries(directory["page"]):
            inner = path + b"/" + e["name"] if path else e["name"]
            yield inner, e
            if e["type"] == 2:
                yield from self.walk(e, inner, depth + 1)

    def restore_tree(self, member, target):
        top = os.fsencode(target)
        os.makedirs(top, exist_ok=True)
        root = self.tree_root(member)
        directories, linked = [(top, root)], {}
        for path, e in self.walk(root):
            full = os.path.join(top, path)
            if e["type"] == 1:
                same = (e["device"], e["inode"])
                if e["links"] > 1 and same in linked:
                    os.link(linked[same], full)
                    continue
                with open(full, "wb") as out:
                    out.truncate(e["size"])
                    for length, chunk_id in e["content"]:
                        if chunk_id is None:
                            out.seek(length, os.SEEK_CUR)
                            continue
                        plain = self.chunk(chunk_id)
                        if len(plain) != length:
                            raise Damaged(f"chunk {chunk_id.hex()}: {len(plain)} bytes, not {length}")
                        out.write(plain)
                linked[same] = full
            elif e["type"] == 2:
                os.mkdir(full, 0o700)
                directories.append((full, e))
                continue
            elif e["type"] == 3:
                os.symlink(e["target"], full)
            elif e["type"] == 4:
                os.mkfifo(full)
            elif e["type"] == 5:
                os.mknod(full, stat.S_IFSOCK | 0o600)
            else:
                os.mknod(full, (stat.S_IFCHR if e["type"] == 6 else stat.S_IFBLK) | 0o600, os.makedev(*e["rdev"]))
            self.apply(full, e)
        for full, e in reversed(directories):
            self.apply(full, e)

    @staticmethod
    def apply(full, e):
        if os.geteuid() == 0:
            os.chown(full, e["uid"], e["gid"], follow_symlinks=False)
        if e["type"] != 3:
            os.chmod(full, e["mode"])
        for name, value in e["xattrs"]:
            try:
                os.setxattr(full, name, value, follow_symlinks=False)
            except OSError as error:
                print(f"{os.fsdecode(full)}: {os.fsdecode(name)}: {error.strerror}", file=sys.stderr)
        os.utime(full, ns=(e["mtime"], e["mtime"]), follow_symlinks=False)


# ---- commands ---------------------------------------------------------------------------------------------------------

def list_backups(repository):
    for domain in repository.domains():
        for _, body in domain.roots():
            if body is None:
                continue
            for member in body["members"]:
                print(domain.name, member["id"], body["created_us"], body["resource_name"], member["name"], member["kind"],
                      member["size_bytes"], sep="\t")


def restore(repository, wanted, target):
    for domain in repository.domains():
        for name, body in domain.roots():
            for member in body["members"] if body else ():
                if member["id"] == wanted:
                    (domain.restore_disk if member["kind"] == "disk" else domain.restore_tree)(member, target)
                    return
    raise SystemExit(f"no backup {wanted}")


def check(repository):
    """Every object, every seal, every chunk's hash, every reference. Damage is counted, never the end."""
    damage = []

    def attempt(work, *arguments):
        try:
            return work(*arguments)
        except Damaged as found:
            damage.append(str(found))
            print(f"damaged: {found}", file=sys.stderr)

    for name in repository.names("keys"):
        attempt(repository.check_slot, name)
    for domain in attempt(repository.domains) or ():
        chunks, opened_packs = {}, set()
        for name in repository.names(domain.prefix + "packs"):
            opened = attempt(domain.open_pack, name)
            if not opened:
                continue
            opened_packs.add(name.rsplit("/", 1)[1])
            raw, kind, origins, table, entries = opened
            at = 0
            for ordinal, segment in enumerate(table):
                plain = attempt(domain.open_segment, raw, name, origins, segment, ordinal)
                offset = 0
                for chunk_id, length in entries[at:at + segment[4]]:
                    piece = plain[offset:offset + length] if plain is not None else None
                    if piece is not None and domain.hash(domain.page_key if kind == 2 else domain.chunk_key, piece) != chunk_id:
                        damage.append(name)
                        print(f"damaged: {name}, segment {ordinal}: chunk {chunk_id.hex()}", file=sys.stderr)
                    chunks.setdefault(chunk_id[:16], set()).add((name.rsplit("/", 1)[1], ordinal, offset, length))
                    offset += length
                at += segment[4]
        domain.by_prefix = {}
        for kind, look in (("parity", domain.check_parity), ("indexes", domain.check_run), ("sessions", domain.check_session), ("collections", domain.check_collection),
                           ("damaged", domain.check_mark)):
            for name in repository.names(domain.prefix + kind):
                attempt(look, name)
        for prefix, places in domain.by_prefix.items():
            for place in places:
                if place[0] in opened_packs and place not in chunks.get(prefix, ()):
                    damage.append(prefix.hex())
                    print(f"damaged: index entry {prefix.hex()} points to no such chunk", file=sys.stderr)
        count = 0
        for name in repository.names(domain.prefix + "backups"):
            body = attempt(domain.root, name)
            for member in body["members"] if body else ():
                count += 1
                if member["kind"] == "disk":
                    attempt(lambda m: [domain.where_is(i) for _, _, i in domain.disk_chunks(m)], member)
                else:
                    attempt(lambda m: [domain.where_is(c) for _, e in domain.walk(domain.tree_root(m)) if e["type"] == 1
                                       for _, c in e["content"] if c is not None], member)
        print(f"{domain.name}: {count} backups, {len(chunks)} chunks, {len(domain.by_prefix)} in the index, {len(damage)} damaged")
    return 1 if damage else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repository")
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--password-file")
    key.add_argument("--key-file")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("check")
    restoring = commands.add_parser("restore")
    restoring.add_argument("id")
    restoring.add_argument("target")
    a = parser.parse_args()
    try:
        password = Path(a.password_file).read_text(encoding="utf-8").rstrip("\r\n") if a.password_file else None
        repository = Repository(a.repository, password, Path(a.key_file).read_bytes() if a.key_file else None)
        if a.command == "list":
            list_backups(repository)
        elif a.command == "check":
            return check(repository)
        else:
            restore(repository, a.id, a.target)
    except Damaged as damage:
        print(damage, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
