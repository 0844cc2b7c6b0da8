import { expect, it } from 'vitest'
import { PLAIN } from '../cli/style.ts'
import { checkedConfig, configView } from './config.ts'

it('every key in force is shown on lines that fit a page, whole, also where no terminal says how wide', () => {
  const settings = checkedConfig({ file: null, env: {}, flags: { 'alerts.webhook': `http://h/${'x'.repeat(30)}` } })
  for (const columns of [null, 240, 60]) {
    const lines = configView(settings, { style: PLAIN, columns, nowSec: 0 })
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns === 60 ? 60 : 100)
    for (const { key, meaning } of settings.settings) {
      expect(lines.some(line => line.startsWith(`${key} = `))).toBe(true)
      expect(lines.map(line => line.trim()).join(' ')).toContain(meaning)
    }
  }
})
