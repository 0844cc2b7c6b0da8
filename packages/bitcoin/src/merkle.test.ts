import { bytesToHex, bytesToHexReversed, concatBytes, hexToBytes, sha256d, wireFromDisplay } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldBranch, foldBranchInto, merkleBranchOf, merkleRoot } from './merkle.ts'

/** Template txids (display order) and the branch ckpool sent to its miners for them (wire order), from captures. */
const CAPTURED: readonly (readonly [readonly string[], readonly string[]])[] = [
  [[], []],
  [
    ['2305d23e3d6a9f55189723e0dfc653908455a9162b263a0b7b584711cff8cdfe'],
    ['fecdf8cf1147587b0b3a262b16a955849053c6dfe0239718559f6a3d3ed20523']
  ],
  [
    [
      '9a1644beab4dfaccc9bb3cbd5008b0581dd314102fcd79b69a2c724a8010d706',
      '3bca24fa1c1bc8cfcf77dfd974bb5c80ea865caa828c2e43f86cea862d5d6e40'
    ],
    [
      '06d710804a722c9ab679cd2f1014d31d58b00850bd3cbbc9ccfa4dabbe44169a',
      'dfa3f22130ce2941d79b5f6c35d15f15688910e49b4d7e460f07cb44c925ca49'
    ]
  ],
  [
    [
      '4193df037a4d8ffb9815f2fdae19abab69821f06625004a1e84d8df73cc0c044',
      '082af095391dbb4d8918765f41524e010ee3838adf3b3b13f280a6c83cad7776',
      '58dd52c691e92e6e9da0be3146dfdc87c2c7c1ab6e64476f26427c6d771de6a5'
    ],
    [
      '44c0c03cf78d4de8a1045062061f8269abab19aefdf21598fb8f4d7a03df9341',
      '0dce56f68943df6531358e75bcad1e49e2456413cfd03244beaabc8cc9b69ee3'
    ]
  ],
  [
    [
      '19d9fe2c24a7b88b4d0455c9f42ce16eec881a9fc2cf1194a554129f8e297c27',
      'c3e8a4a3405cafc0ac48a1c602cf6962c74f180dccbd7a423a9216497dcb474e',
      '1b991d93da9c481637d7285ec378d4b1fd6b1ccb06fed594951f3705b3869ddb',
      '13a0ba57fdd05ce8b89950f792d8849ee636831a77d9f1eb1fda38e68991a2f0'
    ],
    [
      '277c298e9f1254a59411cfc29f1a88ec6ee12cf4c955044d8bb8a7242cfed919',
      '20838512651774fd1482b92f7d55e14103e773b92721873a29bb06846f297683',
      '50c833466187becdc8e2f069352e7be34da07d653793093861c913eef295285c'
    ]
  ]
]

/** The tree as the words of the rule say it, level by level. */
function plainRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = [...leaves]
  while (level.length > 1) {
    const parents: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] ?? new Uint8Array(32)
      parents.push(sha256d(concatBytes(left, level[i + 1] ?? left)))
    }
    level = parents
  }
  return level[0] ?? new Uint8Array(32)
}

const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('merkle', () => {
  it.each(CAPTURED)('makes the branch that ckpool made, case %#', (txids, branch) => {
    expect(bytesToHex(merkleBranchOf(txids.map(wireFromDisplay)))).toBe(branch.join(''))
  })

  it('finds the root of the four-transaction template under a coinbase of aa bytes', () => {
    const coinbase = new Uint8Array(32).fill(0xaa)
    const txids = (CAPTURED[4]?.[0] ?? []).map(wireFromDisplay)
    const rootDisplay = 'db71484e6001053bb69749ccaeab5c687820d788263d086fbc14a12b608f199b'
    expect(bytesToHexReversed(foldBranch(coinbase, merkleBranchOf(txids)))).toBe(rootDisplay)
    expect(bytesToHexReversed(merkleRoot([coinbase, ...txids]))).toBe(rootDisplay)
  })

  it("finds the root of mainnet's block 100,000", () => {
    const txids = [
      '8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87',
      'fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4',
      '6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4',
      'e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d'
    ]
    expect(bytesToHexReversed(merkleRoot(txids.map(wireFromDisplay)))).toBe(
      'f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766'
    )
  })

  it('has a zero root for no leaves, and the leaf itself for one', () => {
    const leaf = new Uint8Array(32).fill(3)
    expect(merkleRoot([])).toEqual(new Uint8Array(32))
    expect(merkleRoot([leaf])).toEqual(leaf)
  })

  it('folds to the root of the plain tree for every number of transactions up to 70', () => {
    for (let count = 0; count <= 70; count++) {
      const leaves = Array.from({ length: count + 1 }, (_, i) => sha256d(Uint8Array.of(count, i)))
      const [coinbase = new Uint8Array(32), ...txids] = leaves
      const expected = bytesToHex(plainRoot(leaves))
      expect(bytesToHex(foldBranch(coinbase, merkleBranchOf(txids))), `${count} transactions`).toBe(expected)
      expect(bytesToHex(merkleRoot(leaves)), `${count} transactions`).toBe(expected)
    }
  })

  it('needs 16 nodes for the most transactions and refuses one more', () => {
    const txids = Array.from({ length: 65_535 }, (_, i) => new Uint8Array(32).fill(i & 0xff))
    expect(merkleBranchOf(txids).length).toBe(16 * 32)
    expect(() => merkleBranchOf([...txids, new Uint8Array(32)])).toThrow('16 nodes')
  })

  it('leaves its arguments alone, except for the hash folded in place', () => {
    fc.assert(
      fc.property(anyHash, fc.array(anyHash, { maxLength: 9 }), (coinbase, txids) => {
        const before = bytesToHex(concatBytes(coinbase, ...txids))
        const branch = merkleBranchOf(txids)
        const root = foldBranch(coinbase, branch)
        expect(bytesToHex(concatBytes(coinbase, ...txids))).toBe(before)
        foldBranchInto(coinbase, branch)
        expect(coinbase).toEqual(root)
      })
    )
  })

  it('calls a branch that is not whole hashes a bug', () => {
    expect(() => foldBranch(new Uint8Array(32), hexToBytes('00'.repeat(33)))).toThrow('32-byte')
  })
})
