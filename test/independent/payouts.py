#!/usr/bin/env python3
"""Computes again, from docs/protocol.md alone, whom a share chain pays.

Reads a file of JSON lines: the parameters of a chain with its genesis, then shares as they are sent on the wire
(protocol 8) in the order in which a node met them, and between them what that node says: its confirmed tip, and the
outputs of a coinbase on its mining base. Every share's own coinbase is held against the window that ends at its parent.

Plain Python 3, nothing but its standard library, and no code in common with the node. Prints one JSON line with what was
counted; says what is wrong and ends with 1 at the first difference.
"""

import hashlib
import json
import struct
import sys

sys.setrecursionlimit(10_000)


class Wrong(Exception):
    pass


def sha256(data):
    return hashlib.sha256(data).digest()


def sha256d(data):
    return sha256(sha256(data))


def display(wire):
    return wire[::-1].hex()


class Reader:
    """Section 1: primitive encodings."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at:self.at + count]
        if len(part) != count:
            raise Wrong("bytes end early")
        self.at += count
        return part

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def compact(self):
        first = self.number(1)
        if first < 0xFD:
            return first
        size = {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
        value = self.number(size)
        if value < {2: 0xFD, 4: 0x10000, 8: 0x100000000}[size]:
            raise Wrong("a longer CompactSize than needed")
        return value

    def variable(self):
        return self.take(self.compact())

    def optional(self, read):
        return read() if self.number(1) else None

    def address(self):
        kind = self.number(1)
        return kind, self.variable()


def compact(value):
    if value < 0xFD:
        return bytes([value])
    if value < 0x10000:
        return b"\xfd" + struct.pack("<H", value)
    return b"\xfe" + struct.pack("<I", value)


def variable(data):
    return compact(len(data)) + data


# Section 2.1: the text of an address, by which outputs are sorted.

BECH = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def bech32(prefix, version, program):
    def polymod(values):
        check = 1
        for value in values:
            top = check >> 25
            check = (check & 0x1FFFFFF) << 5 ^ value
            for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                if top >> bit & 1:
                    check ^= generator
        return check

    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version] + [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)]
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod(spread + data + [0] * 6) ^ (1 if version == 0 else 0x2BC830A3)
    return prefix + "1" + "".join(BECH[d] for d in data + [check >> 5 * (5 - i) & 31 for i in range(6)])


def base58(version, payload):
    data = bytes([version]) + payload
    data += sha256d(data)[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


TEXTS = {}


def text_of(address):
    if address not in TEXTS:
        TEXTS[address] = address_text(*address)
    return TEXTS[address]


def address_text(kind, script):
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return base58(0 if kind == 0 else 0x6F, script[3:23])
    if len(script) == 23 and script[:2] == b"\xa9\x14" and script[22:] == b"\x87":
        return base58(5 if kind == 0 else 0xC4, script[2:22])
    version = script[0] - 0x50 if script[0] else 0
    return bech32(("bc", "tb", "bcrt")[kind], version, script[2:])


# Section 11: difficulty.


def target(bits):
    exponent, mantissa = bits >> 24, bits & 0xFFFFFF
    if exponent <= 3:
        mantissa >>= 8 * (3 - exponent)
        shift = 0
    else:
        shift = 8 * (exponent - 3) % 256
    return 0 if mantissa > 0x7FFFFF else (mantissa << shift) % 2**256


def compact_of(value):
    size = (value.bit_length() + 7) // 8
    bits = value << 8 * (3 - size) if size <= 3 else value >> 8 * (size - 3)
    if bits & 0x800000:
        bits, size = bits >> 8, size + 1
    return bits | size << 24


def work(bits):
    value = target(bits)
    if value < 2:
        return 2**256 - 1
    return (2**256 - 1 - value) // (value + 1) + 1 if value < 2**256 - 1 else 1


class Rules:
    def __init__(self, params):
        self.easiest = int(params["easiest"], 16)
        self.multiplier = params["multiplier"]
        self.window_shares = params["windowShares"]
        self.spacing, self.half_life = params["spacing"], params["halfLife"]
        self.anchor, self.ceiling, self.limit = params["anchorBits"], params["ceilingBits"], params["limitBits"]
        self.difficulties = {}

    def difficulty(self, bits):
        if bits not in self.difficulties:
            self.difficulties[bits] = self.easiest // target(bits)
        return self.difficulties[bits]

    def required(self, parent, genesis):
        """The anchor is the genesis share; its bits are what the factor multiplies, the ceilings cap it."""
        num = (parent.time - genesis.time - self.spacing * (parent.height + 1)) * 65536
        ex = abs(num) // self.half_life * (1 if num >= 0 else -1)
        sh = ex // 65536
        rem = ex - sh * 65536
        factor = ((195766423245049 * rem + 971821376 * rem**2 + 5127 * rem**3 + 2**47) >> 48) + 65536
        ceiling = target(self.ceiling)
        value = target(self.anchor) * factor
        if sh >= 0:
            value = ceiling << 16 if sh > 512 - value.bit_length() else value << sh
        else:
            value >>= -sh
        value >>= 16
        value = min(value, ceiling) or 1
        bits = compact_of(value)
        return self.limit if target(bits) > target(self.limit) else bits


# Section 6.1, step 6: SHA-256 from a midstate.

PRIMES = [p for p in range(2, 312) if all(p % q for q in range(2, int(p**0.5) + 1))]


def cube_root_fraction(p):
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        if middle**3 <= p << 96:
            low = middle
        else:
            high = middle - 1
    return low & 0xFFFFFFFF


ROUNDS = [cube_root_fraction(p) for p in PRIMES[:64]]


def compress(state, block):
    w = list(struct.unpack(">16I", block))
    for t in range(16, 64):
        x, y = w[t - 15], w[t - 2]
        s0 = (x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ x >> 3
        s1 = (y >> 17 | y << 15) ^ (y >> 19 | y << 13) ^ y >> 10
        w.append(w[t - 16] + (s0 & 0xFFFFFFFF) + w[t - 7] + (s1 & 0xFFFFFFFF) & 0xFFFFFFFF)
    a, b, c, d, e, f, g, h = state
    for t in range(64):
        s1 = ((e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)) & 0xFFFFFFFF
        t1 = h + s1 + (e & f ^ ~e & g) + ROUNDS[t] + w[t]
        s0 = ((a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)) & 0xFFFFFFFF
        t2 = s0 + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = t1 + t2 & 0xFFFFFFFF, a, b, c, d + t1 & 0xFFFFFFFF, e, f, g
    return [x + y & 0xFFFFFFFF for x, y in zip(state, (a, b, c, d, e, f, g, h))]


def txid_from_midstate(midstate, prefix_length, tail):
    padded = tail + b"\x80" + b"\0" * (63 - 8 - len(tail)) + struct.pack(">Q", (prefix_length + len(tail)) * 8)
    state = compress(list(struct.unpack(">8I", midstate)), padded)
    return sha256(struct.pack(">8I", *state))


def read_transaction(reader):
    """Without witness, as the bitcoin coinbase travels."""
    start = reader.at
    version = reader.number(4)
    inputs = []
    for _ in range(reader.compact()):
        reader.take(36)
        inputs.append(reader.variable())
        reader.take(4)
    outputs = [(reader.number(8), reader.variable()) for _ in range(reader.compact())]
    reader.take(4)
    return version, inputs, outputs, reader.data[start:reader.at]


def skip_transaction(reader):
    """With or without witness (BIP144)."""
    reader.take(4)
    count = reader.compact()
    has_witness = count == 0
    if has_witness:
        reader.take(1)
        count = reader.compact()
    for _ in range(count):
        reader.take(36)
        reader.variable()
        reader.take(4)
    for _ in range(reader.compact()):
        reader.take(8)
        reader.variable()
    if has_witness:
        for _ in range(count):
            for _ in range(reader.compact()):
                reader.variable()
    reader.take(4)


class Share:
    """Sections 3.1 and 8."""

    def __init__(self, data):
        reader = Reader(data)
        self.parent = reader.take(32)
        self.uncles = [reader.take(32) for _ in range(reader.compact())]
        self.miner = reader.address()
        program_version, program_length = reader.number(1), reader.number(1)
        self.program = bytes([program_version, program_length]) + reader.take(program_length)
        self.bitcoin_header = reader.take(80)
        self.bits, self.time = reader.number(4), reader.number(4)
        self.donation = reader.optional(reader.address), reader.number(2)
        self.fee = reader.optional(reader.address), reader.number(2)
        self.bitcoin_height = reader.number(8)
        self.midstate, self.prefix_length, self.witness_root = reader.take(32), reader.number(4), reader.take(32)
        self.hash = sha256d(data[:reader.at])
        for _ in range(reader.compact()):
            skip_transaction(reader)
        self.branch = [reader.take(32) for _ in range(reader.compact())]
        _, self.coinbase_inputs, self.outputs, self.coinbase = read_transaction(reader)
        if reader.at != len(data):
            raise Wrong("bytes behind the end of a share")
        self.bitcoin_bits = struct.unpack_from("<I", self.bitcoin_header, 72)[0]

    def commitment(self):
        """Section 4.1."""

        def cut(address, points):
            named = b"\0" if address is None else b"\1" + variable(text_of(address).encode())
            return named + struct.pack("<H", points)

        kind, script = self.miner
        return sha256(
            self.parent
            + compact(len(self.uncles)) + b"".join(self.uncles)
            + struct.pack("<II", self.bits, self.time)
            + cut(*self.donation) + cut(*self.fee)
            + self.witness_root
            + bytes([kind]) + variable(script)
            + self.program
        )


def split(value, donation, fee, weights):
    """Sections 16.3 and 16.4: scripts and satoshis in the order of a coinbase."""
    outputs, left = [], value
    for address, points in (donation, fee):
        if address is not None and points > 0:
            part = left * points // 10_000
            outputs.append((part, address[1]))
            left -= part
    if left == 0:
        return outputs
    total = sum(weights.values())
    if total == 0:
        raise Wrong("nobody is paid")
    miners = sorted(weights, key=text_of)
    parts = [left * weights[miner] // total for miner in miners]
    parts[-1] = left - sum(parts[:-1])
    return outputs + [(part, miner[1]) for part, miner in zip(parts, miners)]


class Chain:
    def __init__(self, head):
        self.rules = Rules(head["params"])
        self.genesis = Share(bytes.fromhex(head["genesis"]))
        self.genesis.height, self.genesis.work = 0, work(self.genesis.bits)
        self.shares = {self.genesis.hash: self.genesis}
        self.note(self.genesis)
        self.tip = self.genesis
        self.counts = {"shares": 0, "uncles": 0, "reorganisations": 0, "answers": 0, "coinbases": 0, "proofs": 0,
                       "crossed": 0, "capped": 0, "genesisReached": 0, "payees": 0, "satoshis": 0}

    def note(self, share):
        """What a share gives to whom, and how much it adds to the window (section 16.1)."""
        own = self.rules.difficulty(share.bits)
        uncles = [(self.shares[hash].miner, self.rules.difficulty(self.shares[hash].bits)) for hash in share.uncles]
        named = sum(d for _, d in uncles)
        share.gives = [(miner, 9 * d) for miner, d in uncles] + [(share.miner, 10 * own + named)]
        share.adds = 10 * own + 10 * named
        share.above = self.shares.get(share.parent)

    def weights(self, end, bitcoin_bits):
        """Section 16.1."""
        limit = 10 * self.rules.difficulty(bitcoin_bits) * self.rules.multiplier
        weights, total, share = {}, 0, end
        for _ in range(self.rules.window_shares):
            for miner, weight in share.gives:
                weights[miner] = weights.get(miner, 0) + weight
            total += share.adds
            if total >= limit:
                self.counts["crossed"] += 1
                return weights
            share = share.above
            if share is None:
                self.counts["genesisReached"] += 1
                return weights
        self.counts["capped"] += 1
        return weights

    def add(self, share, prove):
        parent = self.shares.get(share.parent)
        if parent is None:
            raise Wrong("a share before its parent")
        share.height, share.work = parent.height + 1, parent.work + work(share.bits)
        self.check_place(share, parent)
        self.check_coinbase(share, parent)
        if prove:
            self.check_proof(share)
        self.shares[share.hash] = share
        self.note(share)
        self.counts["shares"] += 1
        self.counts["uncles"] += len(share.uncles)
        # Section 14: the heaviest, and of equals the first seen.
        if share.work > self.tip.work:
            if share.parent != self.tip.hash:
                self.counts["reorganisations"] += 1
            self.tip = share

    def check_place(self, share, parent):
        if share.bits != self.rules.required(parent, self.genesis):
            raise Wrong(f"bits {share.bits:#x}, required {self.rules.required(parent, self.genesis):#x}")
        if int.from_bytes(sha256d(share.bitcoin_header), "little") > target(share.bits):
            raise Wrong("the work is not there")
        ancestors, at = [], parent
        while at is not None and len(ancestors) < 3:
            ancestors.append(at.hash)
            at = at.above
        if len(share.uncles) > 3 or len(set(share.uncles)) != len(share.uncles):
            raise Wrong("too many uncles, or one twice")
        for hash in share.uncles:
            uncle = self.shares.get(hash)
            if uncle is None or hash in ancestors or not 1 <= share.height - uncle.height <= 3:
                raise Wrong("an uncle that is none")

    def check_coinbase(self, share, parent):
        """Sections 5.3 and 12.7: cuts, payouts, witness commitment, padding, commitment."""
        value = sum(sats for sats, _ in share.outputs)
        weights = self.weights(parent, share.bitcoin_bits)
        expected = split(value, share.donation, share.fee, weights)
        paid, rest = share.outputs[:len(expected)], share.outputs[len(expected):]
        if paid != expected:
            raise Wrong(f"pays {named(paid)}, the window says {named(expected)}")
        if any(sats for sats, _ in rest) or rest[-1][1] != b"\x6a\x20" + share.commitment():
            raise Wrong("the last output is not the commitment")
        tail = b"\0" * 8 + b"\x22\x6a\x20" + share.commitment() + struct.pack("<I", share.bitcoin_height - 1)
        if share.coinbase[share.prefix_length:] != tail or share.prefix_length % 64:
            raise Wrong("the coinbase does not end as its proof says")
        root = sha256d(share.coinbase)
        for node in share.branch:
            root = sha256d(root + node)
        if root != share.bitcoin_header[36:68]:
            raise Wrong("the coinbase is not under the header")
        self.counts["coinbases"] += 1
        self.counts["payees"] += len(weights)
        self.counts["satoshis"] += value

    def check_proof(self, share):
        tail = share.coinbase[share.prefix_length:]
        if txid_from_midstate(share.midstate, share.prefix_length, tail) != sha256d(share.coinbase):
            raise Wrong("the midstate is not that of the coinbase")
        self.counts["proofs"] += 1

    def answer(self, said):
        """What the node says it would do now."""
        if said["tip"] != display(self.tip.hash):
            raise Wrong(f"the node's tip is {said['tip']}, the heaviest chain ends with {display(self.tip.hash)}")
        base = self.shares[bytes.fromhex(said["base"])[::-1]]
        cuts = [(None, 0) if cut is None else ((cut[0], bytes.fromhex(cut[1])), cut[2])
                for cut in (said["donation"], said["fee"])]
        outputs = split(int(said["value"]), *cuts, self.weights(base, said["bits"]))
        theirs = [(int(sats), bytes.fromhex(script)) for sats, script in said["outputs"]]
        if outputs != theirs:
            raise Wrong(f"the node would pay {named(theirs)}, the window says {named(outputs)}")
        self.counts["answers"] += 1


def named(outputs):
    return [(sats, script.hex()) for sats, script in outputs]


def main(path, prove_every):
    with open(path, encoding="ascii") as lines:
        chain = Chain(json.loads(next(lines)))
        for number, line in enumerate(lines, start=2):
            entry = json.loads(line)
            try:
                if "share" in entry:
                    chain.add(Share(bytes.fromhex(entry["share"])), number % prove_every == 0)
                else:
                    chain.answer(entry["answer"])
            except Wrong as wrong:
                print(f"line {number}: {wrong}", file=sys.stderr)
                return 1
    print(json.dumps({**chain.counts, "height": chain.tip.height, "tip": display(chain.tip.hash)}))
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print("usage: payouts.py FILE [PROVE-EVERY]", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10))
