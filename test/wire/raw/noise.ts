import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify
} from 'node:crypto'
import type { Pipe } from './inlet.ts'
import { bytesOf, decodeFields, encodeFields } from './varint.ts'

// Noise_XX_25519_ChaChaPoly_SHA256 as libp2p uses it, on Node's own primitives.

const PATTERN = 'Noise_XX_25519_ChaChaPoly_SHA256'
const SIGNED = Buffer.from('noise-libp2p-static-key:')
const TAG_BYTES = 16
export const MAX_PLAIN_BYTES = 65_535 - TAG_BYTES

/** What precedes a raw key in its DER form. */
const ED25519_DER = Buffer.from('302a300506032b6570032100', 'hex')
const X25519_DER = Buffer.from('302a300506032b656e032100', 'hex')

export interface Identity {
  readonly key: KeyObject
  /** libp2p's protocol buffer of an Ed25519 public key, 36 bytes. */
  readonly publicKey: Buffer
}

export function newIdentity(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    key: privateKey,
    publicKey: encodeFields([
      [1, 1],
      [2, rawKey(publicKey)]
    ])
  }
}

function rawKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32)
}

function publicFromRaw(der: Buffer, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([der, raw]), format: 'der', type: 'spki' })
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest()

function twoKeys(chaining: Buffer, input: Uint8Array): readonly [Buffer, Buffer] {
  const secret = hmac(chaining, input)
  const first = hmac(secret, Buffer.from([1]))
  return [first, hmac(secret, Buffer.concat([first, Buffer.from([2])]))]
}

/** ChaCha20-Poly1305 with a nonce that counts up. */
class Cipher {
  readonly #key: Buffer
  #nonce = 0n

  constructor(key: Buffer) {
    this.#key = key
  }

  seal(plain: Uint8Array, associated: Uint8Array = Buffer.alloc(0)): Buffer {
    const options = { authTagLength: TAG_BYTES }
    const cipher = createCipheriv('chacha20-poly1305', this.#key, this.#iv(), options)
    cipher.setAAD(associated, { plaintextLength: plain.length })
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws if it was not sealed with this key and nonce */
  open(sealed: Buffer, associated: Uint8Array = Buffer.alloc(0)): Buffer {
    const options = { authTagLength: TAG_BYTES }
    const plainLength = sealed.length - TAG_BYTES
    const decipher = createDecipheriv('chacha20-poly1305', this.#key, this.#iv(), options)
    decipher.setAAD(associated, { plaintextLength: plainLength })
    decipher.setAuthTag(sealed.subarray(plainLength))
    return Buffer.concat([decipher.update(sealed.subarray(0, plainLength)), decipher.final()])
  }

  #iv(): Buffer {
    const iv = Buffer.alloc(12)
    iv.writeBigUInt64LE(this.#nonce++, 4)
    return iv
  }
}

/** The state both sides keep alike during the handshake. */
class Symmetric {
  #chaining: Buffer = Buffer.from(PATTERN)
  #digest: Buffer = Buffer.from(PATTERN)
  #cipher: Cipher | null = null

  mixHash(data: Uint8Array): void {
    this.#digest = sha256(this.#digest, data)
  }

  mixSecret(own: KeyObject, other: Uint8Array): void {
    const secret = diffieHellman({ privateKey: own, publicKey: publicFromRaw(X25519_DER, other) })
    const [chaining, key] = twoKeys(this.#chaining, secret)
    this.#chaining = chaining
    this.#cipher = new Cipher(key)
  }

  seal(plain: Uint8Array): Buffer {
    const sealed = this.#cipher === null ? Buffer.from(plain) : this.#cipher.seal(plain, this.#digest)
    this.mixHash(sealed)
    return sealed
  }

  open(sealed: Buffer): Buffer {
    const plain = this.#cipher === null ? sealed : this.#cipher.open(sealed, this.#digest)
    this.mixHash(sealed)
    return plain
  }

  split(): readonly [Cipher, Cipher] {
    const [first, second] = twoKeys(this.#chaining, Buffer.alloc(0))
    return [new Cipher(first), new Cipher(second)]
  }
}

export interface Secured {
  /** The other's public key as libp2p encodes it. */
  readonly remoteKey: Buffer
  /** Seals one message of at most `MAX_PLAIN_BYTES`, its length before it. */
  seal(plain: Uint8Array): Buffer
  /** Takes the next message and opens it. */
  take(): Promise<Buffer>
}

const message = (bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const takeMessage = async (pipe: Pipe): Promise<Buffer> => pipe.take((await pipe.take(2)).readUInt16BE(0))

/**
 * The handshake in either role.
 * @throws if the other has another prologue, or its key does not stand up
 */
export async function secure(
  pipe: Pipe,
  options: { readonly role: 'initiator' | 'responder'; readonly prologue: Uint8Array; readonly identity: Identity }
): Promise<Secured> {
  const { role, prologue, identity } = options
  const state = new Symmetric()
  state.mixHash(prologue)
  const ephemeral = generateKeyPairSync('x25519')
  const fixed = generateKeyPairSync('x25519')
  const ourE = rawKey(ephemeral.publicKey)
  const ourS = rawKey(fixed.publicKey)
  const ours = encodeFields([
    [1, identity.publicKey],
    [2, sign(null, Buffer.concat([SIGNED, ourS]), identity.key)]
  ])
  // -> e; <- e, ee, s, es; -> s, se. Each with a payload.
  if (role === 'initiator') {
    state.mixHash(ourE)
    pipe.write(message(Buffer.concat([ourE, state.seal(Buffer.alloc(0))])))
    const second = await takeMessage(pipe)
    const theirE = second.subarray(0, 32)
    state.mixHash(theirE)
    state.mixSecret(ephemeral.privateKey, theirE)
    const theirS = state.open(second.subarray(32, 80))
    state.mixSecret(ephemeral.privateKey, theirS)
    const remoteKey = checkedKey(state.open(second.subarray(80)), theirS)
    const sealedS = state.seal(ourS)
    state.mixSecret(fixed.privateKey, theirE)
    pipe.write(message(Buffer.concat([sealedS, state.seal(ours)])))
    const [out, inwards] = state.split()
    return secured(pipe, remoteKey, { out, inwards })
  }
  const first = await takeMessage(pipe)
  const theirE = first.subarray(0, 32)
  state.mixHash(theirE)
  state.open(first.subarray(32))
  state.mixHash(ourE)
  state.mixSecret(ephemeral.privateKey, theirE)
  const sealedS = state.seal(ourS)
  state.mixSecret(fixed.privateKey, theirE)
  pipe.write(message(Buffer.concat([ourE, sealedS, state.seal(ours)])))
  const third = await takeMessage(pipe)
  const theirS = state.open(third.subarray(0, 48))
  state.mixSecret(ephemeral.privateKey, theirS)
  const remoteKey = checkedKey(state.open(third.subarray(48)), theirS)
  const [inwards, out] = state.split()
  return secured(pipe, remoteKey, { out, inwards })
}

function checkedKey(payload: Buffer, fixed: Buffer): Buffer {
  const fields = decodeFields(payload)
  const [key] = bytesOf(fields, 1)
  const [signature] = bytesOf(fields, 2)
  if (key === undefined || signature === undefined) throw new Error('Noise: no identity')
  const [raw] = bytesOf(decodeFields(key), 2)
  const signed = Buffer.concat([SIGNED, fixed])
  if (raw === undefined || !verify(null, signed, publicFromRaw(ED25519_DER, raw), signature)) {
    throw new Error('Noise: the identity does not sign its key')
  }
  return key
}

function secured(pipe: Pipe, remoteKey: Buffer, ciphers: { readonly out: Cipher; readonly inwards: Cipher }): Secured {
  return {
    remoteKey,
    seal: plain => message(ciphers.out.seal(plain)),
    take: async () => ciphers.inwards.open(await takeMessage(pipe))
  }
}

/** The text of a peer's name: base58 of the identity multihash of its public key. */
export function peerId(publicKey: Buffer): string {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
  const bytes = Buffer.concat([Buffer.from([0, publicKey.length]), publicKey])
  let number = BigInt(`0x${bytes.toString('hex')}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = `${alphabet[Number(number % 58n)]}${text}`
  // The multihash begins with one zero byte.
  return `1${text}`
}
