import type { ChainIndex } from './chain-port.ts'

/** A share this old says nothing about now (protocol §19.5). */
export const CURRENT_SEC = 300

/** Whether the confirmed chain is as fresh as a chain in use is; one from the future is (protocol §19.5). */
export function isCurrent(chain: ChainIndex): boolean {
  return chain.wallSec() - chain.confirmedTip().timeSec <= CURRENT_SEC
}
