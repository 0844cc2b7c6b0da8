import { describe, expect, it } from 'vitest'
import { configure } from './handshake.ts'

/** All version bits that BIP 323 leaves to miners. */
const WIDEST = 0x1fff_ffe0
const askFor = (mask: string | undefined): unknown => [['version-rolling'], { 'version-rolling.mask': mask }]

describe('the version mask', () => {
  it.each([
    ['ffffffff', '1fffffe0'],
    ['1fffffe0', '1fffffe0'],
    ['1fffe000', '1fffe000'],
    ['00001fe0', '00001fe0'],
    ['e000003f', '00000020'],
    [undefined, '1fffffe0']
  ])('for a miner that can roll %s is %s', (asked, given) => {
    const { versionMask, resultJson } = configure(askFor(asked), WIDEST)
    expect(versionMask).toBe(Number.parseInt(given, 16))
    expect(JSON.parse(resultJson)).toEqual({ 'version-rolling': true, 'version-rolling.mask': given })
  })

  it('is none for a miner whose bits are all ours', () => {
    expect(configure(askFor('e000001f'), WIDEST)).toMatchObject({
      versionMask: 0,
      resultJson: '{"version-rolling":false}'
    })
  })
})
