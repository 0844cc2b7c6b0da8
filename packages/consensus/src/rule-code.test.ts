import { describe, expect, it } from 'vitest'
import { RULES } from './rule-code.ts'
import { refused } from './share.ts'

describe('the rule table', () => {
  it.each(Object.entries(RULES))('%s is a kebab-case code with a sentence and a verdict', (code, rule) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)+$/)
    expect(rule.sentence).toMatch(/^[A-Z].*\.$/)
    expect(['invalid', 'recoverable', 'bad-copy', 'unresolvable']).toContain(rule.verdict)
  })

  it('never lets missing data or a clock condemn a share', () => {
    const waiting = Object.entries(RULES).filter(([, { verdict }]) => verdict === 'recoverable')
    expect(waiting.map(([code]) => code).sort()).toEqual([
      'share-parent-unknown',
      'share-parent-unvalidated',
      'share-time-future',
      'uncle-body-missing',
      'uncle-unknown'
    ])
  })

  it('gives a refusal empty facts where there are none', () => {
    expect(refused('body-no-transactions')).toEqual({ ok: false, code: 'body-no-transactions', facts: {} })
  })
})
