import '@p2poolv2/runtime/with-resolvers'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadIdentity } from './identity.ts'

describe('the identity of a node', () => {
  let directory = ''
  const keyFile = () => join(directory, 'peer.key')
  const load = (fresh = false) => loadIdentity({ directory, fresh })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'p2poolv2-identity-'))
  })

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true })
  })

  it('is the same at the next start, in a file for the owner alone', async () => {
    const first = await load()
    expect(first.type).toBe('Ed25519')
    expect((await load()).equals(first)).toBe(true)
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600)
  })

  it('is closed to others again when a restored file was open', async () => {
    const first = await load()
    await chmod(keyFile(), 0o644)
    expect((await load()).equals(first)).toBe(true)
    expect((await stat(keyFile())).mode & 0o777).toBe(0o600)
  })

  it('is a new one at every start if wished, and leaves no file', async () => {
    expect((await load(true)).equals(await load(true))).toBe(false)
    await expect(stat(keyFile())).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.each([
    ['rubbish', async () => new Uint8Array([1, 2, 3])],
    ['nothing', async () => new Uint8Array()],
    ['a key of another kind', async () => privateKeyToProtobuf(await generateKeyPair('secp256k1'))]
  ])('is not made from %s, and the file stays', async (_, content) => {
    await writeFile(keyFile(), await content())
    await expect(load()).rejects.toMatchObject({ code: 'broken-identity' })
    expect((await stat(keyFile())).size).toBe((await content()).length)
  })
})
