import type { Door } from './contract.ts'

/** The listener could not be opened; the message names the setting to change. */
export class StratumListenError extends Error {
  readonly code: 'address-in-use' | 'address-unavailable' | 'not-permitted' | 'certificate' | 'listen-failed'

  constructor({ host, port }: Door, cause: Error, code: StratumListenError['code'] = codeOf(cause)) {
    super(`cannot listen for miners on ${host}:${port} (${code}): ${LISTEN_FIXES[code]}`, { cause })
    this.name = 'StratumListenError'
    this.code = code
  }
}

function codeOf(cause: Error): StratumListenError['code'] {
  return LISTEN_CODES[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'listen-failed'
}

const LISTEN_CODES: Readonly<Record<string, StratumListenError['code']>> = {
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-unavailable',
  EACCES: 'not-permitted'
}

const LISTEN_FIXES: Readonly<Record<StratumListenError['code'], string>> = {
  'address-in-use': 'another program has the port; stop it, or choose another with --stratum-port or [stratum] port',
  'address-unavailable':
    'this computer does not have that address; set --stratum-host or [stratum] hostname to 0.0.0.0 or to one it has',
  'not-permitted': 'choose a port above 1023 with --stratum-port or [stratum] port',
  certificate: 'the certificate or its key cannot be used; check [stratum] tls_certificate and tls_key',
  'listen-failed': 'check [stratum] hostname and port'
}
