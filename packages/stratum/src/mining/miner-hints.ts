import type { OperatorHints } from '../contract.ts'

/** What a miner may say beside its name: `d=` or `diff=` is `difficulty`, `md=` `minimumDifficulty`, `th=` `terahashes`. */
export interface MinerHints extends OperatorHints {
  /** `p2p=`: address on the share chain, in the case it was typed in. */
  readonly shareAddress: string | null
}

/** Room for every hint at its longest; what follows is not looked at. */
const MAX_HINTS_CHARS = 512

/**
 * Reads hints out of a text, in Stratum V1 the password: `key=value` separated by comma, semicolon, space or tab. Keys in any case; of a key
 * given twice the first counts; everything else is ignored. Source: protocol §20.1, stratum §2.3.
 * @param text as it came: firmware sends strings, numbers, null or nothing
 */
export function hintsIn(text: unknown): MinerHints {
  const values = new Map<string, string>()
  if (typeof text === 'string') {
    for (const token of text.slice(0, MAX_HINTS_CHARS).split(/[,; \t\r\n]+/)) {
      const equals = token.indexOf('=')
      const key = token.slice(0, Math.max(equals, 0)).toLowerCase()
      if (equals > 0 && !values.has(key)) values.set(key, token.slice(equals + 1))
    }
  }
  return {
    difficulty: positiveNumber(values.get('d') ?? values.get('diff')),
    minimumDifficulty: positiveNumber(values.get('md')),
    terahashes: positiveNumber(values.get('th')),
    shareAddress: values.get('p2p') || null
  }
}

const DECIMAL = /^[+]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i

/** A positive finite number from a number or its decimal text, exponent allowed; null for anything else. */
export function positiveNumber(value: unknown): number | null {
  if (typeof value === 'string') value = DECIMAL.test(value.trim()) ? Number(value) : null
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : null
}
