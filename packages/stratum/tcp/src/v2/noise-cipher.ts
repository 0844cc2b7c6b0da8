import { createCipheriv, createDecipheriv } from 'node:crypto'
import { type NewCipher, NonceCounter, TAG_BYTES } from '@p2poolv2/stratum/sv2'

const CIPHER = 'chacha20-poly1305'
const OPTIONS = { authTagLength: TAG_BYTES }
const NOTHING = new Uint8Array()

/** ChaCha20-Poly1305 by Node.js: a third of the time that a portable one takes. */
export const nodeCipher: NewCipher = key => {
  const nonces = new NonceCounter()
  return {
    seal(plain, associated = NOTHING) {
      const cipher = createCipheriv(CIPHER, key, nonces.take(), OPTIONS)
      if (associated.length > 0) cipher.setAAD(associated, { plaintextLength: plain.length })
      const sealed = new Uint8Array(plain.length + TAG_BYTES)
      sealed.set(cipher.update(plain))
      cipher.final()
      sealed.set(cipher.getAuthTag(), plain.length)
      return sealed
    },
    open(sealed, associated = NOTHING) {
      const length = sealed.length - TAG_BYTES
      const decipher = createDecipheriv(CIPHER, key, nonces.take(), OPTIONS)
      if (length < 0) return null
      if (associated.length > 0) decipher.setAAD(associated, { plaintextLength: length })
      decipher.setAuthTag(sealed.subarray(length))
      const plain = decipher.update(sealed.subarray(0, length))
      try {
        decipher.final()
      } catch {
        // Not what was sealed, or not by whom it should be.
        return null
      }
      return new Uint8Array(plain.buffer, plain.byteOffset, plain.length)
    }
  }
}
