/** bitcoind's JSON-RPC error codes that this server uses. Source: Bitcoin Core, rpc/protocol.h. */
export const RPC_CODE = {
  miscError: -1,
  typeError: -3,
  notFound: -5,
  invalidParameter: -8,
  decodeFailed: -22,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  internalError: -32_603,
  parseError: -32_700
} as const

/** A call is answered with a JSON-RPC error. */
export class RpcFault extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'RpcFault'
    this.code = code
  }
}
