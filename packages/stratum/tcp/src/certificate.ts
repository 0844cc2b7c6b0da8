import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'

/** Files with PEM text: the certificate with its chain, and its key. */
export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/** A certificate that is renewed under a running server: connections that come after it is replaced on disk get the new one. */
export class Certificate {
  readonly #files: CertificateFiles
  #context: SecureContext
  #changedAtMs = 0

  /** @throws what reading the files or making sense of them throws */
  constructor(files: CertificateFiles) {
    this.#files = files
    this.#context = contextOf(readFileSync(files.certificateFile, 'utf8'), readFileSync(files.keyFile, 'utf8'))
  }

  get context(): SecureContext {
    return this.#context
  }

  /**
   * Looks at the files again.
   * @returns whether there is another certificate
   * @throws when they cannot be used; the old one stays
   */
  async refresh(): Promise<boolean> {
    const { certificateFile, keyFile } = this.#files
    const [certificateStat, keyStat] = await Promise.all([stat(certificateFile), stat(keyFile)])
    const changedAtMs = Math.max(certificateStat.mtimeMs, keyStat.mtimeMs)
    if (changedAtMs === this.#changedAtMs) return false
    const context = contextOf(await readFile(certificateFile, 'utf8'), await readFile(keyFile, 'utf8'))
    const isFirstLook = this.#changedAtMs === 0
    this.#changedAtMs = changedAtMs
    this.#context = context
    return !isFirstLook
  }
}

/** From TLS 1.2 on: firmware on microcontrollers does not speak 1.3 everywhere (stratum §1.6). */
function contextOf(cert: string, key: string): SecureContext {
  return createSecureContext({ cert, key, minVersion: 'TLSv1.2' })
}
