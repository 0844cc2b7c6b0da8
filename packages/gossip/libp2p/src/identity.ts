import '@p2poolv2/runtime/with-resolvers'
import { chmod, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PeerId } from '@p2poolv2/gossip'

/** In the data directory: an Ed25519 key as libp2p's protobuf. Whoever has it can pass for this node, and nothing else. */
const KEY_FILE = 'peer.key'

/** The key file is there and is none. */
export class BrokenIdentity extends Error {
  readonly code = 'broken-identity'

  constructor(path: string, cause?: unknown) {
    super(`${path} holds no Ed25519 key: remove it, and the node takes a new name`, { cause })
    this.name = 'BrokenIdentity'
  }
}

/**
 * The key whose public half is the node's name among peers. Kept, so that others find us again under it; a new one for every start if
 * wished, or without a directory.
 * @throws BrokenIdentity
 */
export async function loadIdentity(options: {
  readonly directory: string | null
  readonly fresh: boolean
}): Promise<PrivateKey> {
  if (options.fresh || options.directory === null) return generateKeyPair('Ed25519')
  const path = join(options.directory, KEY_FILE)
  return (await read(path)) ?? (await make(path))
}

/** The name among peers that goes with a key. */
export function peerOf(key: PrivateKey): PeerId {
  return peerIdFromPrivateKey(key).toString()
}

async function read(path: string): Promise<PrivateKey | null> {
  const bytes = await readFile(path).catch(error => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (bytes === null) return null
  // A restored backup may have been readable by everybody.
  await chmod(path, 0o600)
  let key: PrivateKey
  try {
    key = privateKeyFromProtobuf(bytes)
  } catch (error) {
    throw new BrokenIdentity(path, error)
  }
  if (key.type !== 'Ed25519') throw new BrokenIdentity(path)
  return key
}

async function make(path: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  // Whole or not at all: half a key after a power cut would stop every later start.
  const temporary = `${path}.${process.pid}.new`
  await rm(temporary, { force: true })
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(privateKeyToProtobuf(key))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  return key
}
