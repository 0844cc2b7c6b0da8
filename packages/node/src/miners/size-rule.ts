import type { SizeFit } from '@p2poolv2/stratum'
import type { MinerWarningCode, TooLargeRule } from '../contract.ts'

/** Past a bound that others only report the work is sent all the same: to take a miner's pool income away wants proof. */
function isProven({ fit, sizeClass }: SizeFit): boolean {
  return fit === 'over' && sizeClass.basis === 'measured'
}

/** Whether a miner gets work that pays it alone. */
export function isSoloWork(fit: SizeFit, rule: TooLargeRule): boolean {
  return rule === 'solo' && isProven(fit)
}

export function isRefused(fit: SizeFit, rule: TooLargeRule): boolean {
  return rule === 'refuse' && isProven(fit)
}

/** What the size of the work means for a miner, with numbers, for its owner. */
export function sizeWarning(
  fit: SizeFit,
  rule: TooLargeRule
): { readonly code: MinerWarningCode; readonly message: string } {
  const { what, bytes, limitBytes, sizeClass, remedy } = fit
  const { basis, userAgentPrefix } = sizeClass
  const size = `the ${what} has ${bytes} bytes; firmware "${userAgentPrefix}" takes ${limitBytes} (${basis})`
  const help = remedy === undefined ? '' : `. ${remedy}`
  if (fit.fit === 'near') {
    return {
      code: 'coinbase-near-limit',
      message: `${size}: with a few more payees in the window it will be too large${help}`
    }
  }
  return { code: 'coinbase-too-large', message: `${size}: ${consequence(fit, rule)}${help}` }
}

function consequence(fit: SizeFit, rule: TooLargeRule): string {
  if (isSoloWork(fit, rule)) {
    return 'this miner mines solo now. A block it finds pays it alone, and it earns nothing from the pool (too_large = "solo")'
  }
  if (isRefused(fit, rule)) return 'this miner is closed (too_large = "refuse")'
  if (isProven(fit)) return 'its shares will be refused (too_large = "send")'
  return 'it is sent all the same, since nobody has measured it. If this miner hangs or all its shares are refused, that is why'
}
