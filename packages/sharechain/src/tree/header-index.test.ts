import { workFromBits, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MiningBase } from '../chains/mining-base.ts'
import { Organiser } from '../chains/organise.ts'
import { easyParams, minerAddress } from '../testing/build-chain.ts'
import { hashOf } from '../testing/deltas.ts'
import { evictAtHeight, evictLightest } from './eviction.ts'
import { compareDigests } from './hash-order.ts'
import { HeaderIndex, NO_SLOT } from './header-index.ts'

const params = easyParams()
/** Works of 16, 32 and 64 hashes: sums often tie. */
const BITS = [0x200fffff, 0x2007ffff, 0x2003ffff] as const

interface Node {
  readonly id: number
  readonly parent: Node | null
  readonly height: number
  readonly work: bigint
  readonly uncles: readonly number[]
  valid: boolean
  invalid: boolean
}

/** The rules of organisation as one would first write them down: everything is worked out anew, by walking. */
class NaiveTree {
  readonly genesis: Node = {
    id: 0,
    parent: null,
    height: 0,
    work: workFromBits(BITS[1]),
    uncles: [],
    valid: true,
    invalid: false
  }
  nodes: Node[] = [this.genesis]
  candidate: Node = this.genesis
  confirmed: Node = this.genesis

  insert(node: Omit<Node, 'height' | 'work' | 'valid' | 'invalid'> & { parent: Node }, bits: number): void {
    const { parent } = node
    const work = parent.work + workFromBits(bits)
    const added = { ...node, height: parent.height + 1, work, valid: false, invalid: parent.invalid }
    this.nodes.push(added)
    if (!added.invalid && work > this.candidate.work) this.candidate = added
  }

  invalidate(node: Node): void {
    for (const each of this.nodes) if (lineOf(each).includes(node)) each.invalid = true
    if (this.confirmed.invalid && node.parent !== null) {
      this.confirmed = lineOf(this.confirmed).find(each => !each.invalid) ?? this.genesis
    }
    if (!this.candidate.invalid) return
    const open = this.nodes.filter(each => !each.invalid)
    const heaviest = open.filter(each => open.every(other => other.work <= each.work))
    const holding = heaviest.filter(each => lineOf(each).includes(this.confirmed))
    this.candidate = smallest(holding.length > 0 ? holding : heaviest)
  }

  promote(): void {
    const line = lineOf(this.candidate).reverse()
    const end = line.findIndex(each => !each.valid || !each.uncles.every(uncle => this.#bodyOf(uncle)))
    const last = (end === -1 ? line.at(-1) : line[end - 1]) ?? this.genesis
    const extendsIt = lineOf(last).includes(this.confirmed)
    const isBehind = lineOf(this.confirmed).includes(last)
    if (extendsIt || (!isBehind && last.work > this.confirmed.work)) this.confirmed = last
  }

  base(): Node {
    const isValidFrom = (node: Node) => {
      const above = lineOf(node).filter(each => each.height > this.confirmed.height)
      return lineOf(node).includes(this.confirmed) && above.every(each => each.valid && !each.invalid)
    }
    const reachable = this.nodes.filter(isValidFrom)
    return smallest(reachable.filter(each => reachable.every(other => other.work <= each.work)))
  }

  /** Ends of branches go until there are few enough: what was never validated first, then the lightest. */
  evict(most: number, spared: Node): void {
    if (this.nodes.length <= most) return
    while (this.nodes.length > most - most / 64) {
      const loose = this.nodes.filter(
        node => node !== spared && this.#mayGo(node) && this.#dependants(node).length === 0
      )
      const first = loose.sort(firstToGo)[0]
      if (first === undefined) return
      this.#drop([first])
    }
  }

  /** Whole branches go that begin at a height with too many shares not validated, those with the lightest top first. */
  evictAtHeight(height: number, most: number, spared: Node): void {
    const open = this.nodes.filter(node => node.height === height && !node.valid && this.#isBeside(node))
    const branches = open
      .map(root => this.nodes.filter(node => lineOf(node).includes(root)))
      .filter(branch => branch.every(node => node !== spared && !node.valid && this.#mayGo(node)))
      .filter(branch => branch.every(node => this.#dependants(node).every(other => branch.includes(other))))
      .map(branch => branch.sort((a, b) => -firstToGo(a, b)))
    branches.sort(([a], [b]) => firstToGo(a as Node, b as Node))
    for (const branch of branches.slice(0, Math.max(0, open.length - most))) this.#drop(branch)
  }

  #mayGo(node: Node): boolean {
    return node !== this.genesis && this.#isBeside(node)
  }

  #isBeside(node: Node): boolean {
    return !lineOf(this.candidate).includes(node) && !lineOf(this.confirmed).includes(node)
  }

  /** Children and nephews. */
  #dependants(node: Node): Node[] {
    return this.nodes.filter(other => other.parent === node || other.uncles.includes(node.id))
  }

  #drop(nodes: readonly Node[]): void {
    this.nodes = this.nodes.filter(node => !nodes.includes(node))
  }

  #bodyOf(id: number): boolean {
    return this.nodes.find(each => each.id === id)?.valid ?? true
  }
}

/** A node and its ancestors, itself first. */
function lineOf(node: Node): Node[] {
  return node.parent === null ? [node] : [node, ...lineOf(node.parent)]
}

/** Who is evicted first: not validated before validated, lighter before heavier, then the larger digest. */
function firstToGo(a: Node, b: Node): number {
  if ((a.valid && !a.invalid) !== (b.valid && !b.invalid)) return a.valid && !a.invalid ? 1 : -1
  if (a.work !== b.work) return a.work < b.work ? -1 : 1
  return compareDigests(hashOf(b.id), hashOf(a.id))
}

function smallest(nodes: readonly Node[]): Node {
  const [first] = [...nodes].sort((a, b) => compareDigests(hashOf(a.id), hashOf(b.id)))
  if (first === undefined) throw new Error('there is always a share left')
  return first
}

const arbitraryCommand = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('insert' as const),
      // Mostly near the newest shares, so that branches grow and compete.
      back: fc.oneof({ weight: 3, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(40) }),
      bits: fc.constantFrom(...BITS),
      uncle: fc.option(fc.nat(6), { freq: 4 }),
      miner: fc.nat(3)
    })
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('validate' as const), at: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('invalidate' as const), back: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('evict' as const), most: fc.integer({ min: 1, max: 30 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('thin' as const),
      height: fc.nat(12),
      most: fc.integer({ min: 1, max: 4 })
    })
  }
)

it('index, organiser and mining base do what a naive tree would do', () => {
  fc.assert(
    fc.property(fc.array(arbitraryCommand, { maxLength: 60 }), commands => {
      const naive = new NaiveTree()
      const entry = { bits: BITS[1], timeSec: 0, uncles: [], miner: minerAddress(params, 0) }
      const index = new HeaderIndex({ ...entry, hash: hashOf(0), prevHash: ZERO_SHARE_HASH })
      const organiser = new Organiser(index)
      const base = new MiningBase(index, organiser)
      const slotOf = (node: Node) => index.slotOf(hashOf(node.id))
      const eviction = {
        isSpared: (slot: number) => slot === base.slot,
        gone: (slot: number) => organiser.evicted(slot)
      }

      for (const [step, command] of commands.entries()) {
        const validated: number[] = []
        if (command.type === 'insert') {
          const parent = naive.nodes.at(-1 - (command.back % naive.nodes.length)) ?? naive.genesis
          const id = ((step + 1) * 7919) % 10_007
          const named = command.uncle === null ? undefined : naive.nodes.at(-1 - command.uncle)
          const uncles = named === undefined ? [] : [named.id]
          naive.insert({ id, parent, uncles }, command.bits)
          const placed = { hash: hashOf(id), prevHash: hashOf(parent.id), uncles: uncles.map(hashOf) }
          const miner = minerAddress(params, command.miner)
          organiser.headerAdded(index.insert({ ...entry, ...placed, bits: command.bits, miner }))
        } else if (command.type === 'validate') {
          // As the validator does: a share becomes valid only after its parent.
          const open = naive.nodes.filter(each => !each.valid && !each.invalid && each.parent?.valid === true)
          const node = open[command.at % Math.max(1, open.length)]
          if (node === undefined) continue
          node.valid = true
          index.setBody(slotOf(node), 100)
          index.setValidity(slotOf(node), 'blockValid')
          validated.push(slotOf(node))
        } else if (command.type === 'evict') {
          const limits = { maxShares: command.most, maxBytes: 1e9, maxSideBodyBytes: 1e9 }
          naive.evict(command.most, naive.base())
          evictLightest(index, limits, eviction)
        } else if (command.type === 'thin') {
          naive.evictAtHeight(command.height, command.most, naive.base())
          evictAtHeight(index, command, eviction)
        } else {
          const node = naive.nodes.at(-1 - command.back)
          if (node === undefined || node === naive.genesis || node.invalid) continue
          naive.invalidate(node)
          organiser.markInvalid(slotOf(node), 'coinbase-payout')
        }
        naive.promote()
        organiser.promote(0)
        base.update(validated)

        index.checkInvariants()
        organiser.checkInvariants()
        base.checkInvariants()
        expect(index.size).toBe(naive.nodes.length)
        for (const node of naive.nodes) {
          const facts = index.facts(hashOf(node.id))
          expect([facts?.height, facts?.chainWork]).toEqual([node.height, node.work])
          expect(facts?.validity === 'invalid').toBe(node.invalid)
        }
        expect(index.hash(organiser.candidateTip)).toBe(hashOf(naive.candidate.id))
        expect(index.hash(organiser.confirmedTip)).toBe(hashOf(naive.confirmed.id))
        expect(index.hash(base.slot)).toBe(hashOf(naive.base().id))
        for (const node of naive.nodes) {
          const onConfirmed = lineOf(naive.confirmed).includes(node)
          const onCandidate = lineOf(naive.candidate).includes(node)
          expect(index.membership(slotOf(node))).toBe(onConfirmed ? 'confirmed' : onCandidate ? 'candidate' : 'none')
        }
      }
    }),
    { numRuns: 300 }
  )
})

it('pruned slots are used again and leave nothing behind', () => {
  const entry = (n: number) => ({
    hash: hashOf(n),
    prevHash: n === 0 ? ZERO_SHARE_HASH : hashOf(n - 1),
    bits: BITS[1],
    timeSec: n,
    uncles: n > 2 && n % 3 === 0 ? [hashOf(n - 2)] : [],
    miner: minerAddress(params, n % 7)
  })
  const index = new HeaderIndex(entry(0))
  const gone: string[] = []
  let highestSlot = 0
  for (let n = 1; n < 10_000; n++) {
    highestSlot = Math.max(highestSlot, index.insert(entry(n)))
    if (n > 50) index.dropLowest(slot => gone.push(index.hash(slot)))
  }
  index.checkInvariants()
  expect(gone.slice(0, 2)).toEqual([hashOf(1), hashOf(2)])
  expect([index.size, index.lowestHeight, index.highestHeight]).toEqual([51, 9950, 9999])
  expect(highestSlot).toBe(51)
  expect(index.has(hashOf(0))).toBe(true)
  expect(index.facts(hashOf(9949))).toBeUndefined()
  expect(index.facts(hashOf(9950))).toMatchObject({ prevHash: hashOf(9949), height: 9950, timeSec: 9950 })
  expect(index.prevSlot(index.slotOf(hashOf(9950)))).toBe(NO_SLOT)
  expect(index.work(index.slotOf(hashOf(9999)))).toBe(10_000n * workFromBits(BITS[1]))
})
