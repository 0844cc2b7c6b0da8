import { createHmac } from 'node:crypto'
import type {
  BlocksJson,
  CoinbaseJson,
  EarningsJson,
  PeersJson,
  StatusJson,
  WindowJson,
  WorkersJson
} from '@p2poolv2/api/schema'
import axe from 'axe-core'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { regtestAddress } from '../e2e/stage/addresses.ts'
import type { NodeProgram } from '../e2e/stage/node-program.ts'
import type { Program } from '../e2e/stage/program.ts'
import { Stage } from '../e2e/stage/stage.ts'
import { NO_BROWSER, openBrowser } from './chromium.ts'
import { DESKTOP, NodePage, PHONE, SOON_MS, TABLET, VIEWS } from './node-page.ts'

const START_MS = 600_000
const FIRST_LOAD_BYTES = 200_000
const ADDRESS = regtestAddress(7)
/** A name as an attacker would choose it. */
const HOSTILE = '<img src=x onerror="document.title=1">'

describe('the page in a browser', { timeout: 600_000 }, () => {
  const stage = new Stage()
  let browser: Browser | null = null
  let node: NodeProgram
  let miner: Program

  beforeAll(async () => {
    browser = await openBrowser()
    if (browser === null) return
    // No built-in miners: this one can be stopped, and then the numbers stand still.
    node = await stage.node({ dataDir: await stage.folder(), args: ['--set', 'devnet.miners=0'] }).ready()
    miner = stage.miner({ url: node.stratumUrl, user: `${ADDRESS}.bitaxe`, maxHashrateHps: 40_000 })
    await node.statusWhen('shares to show', SOON_MS, ({ sharechain }) => sharechain.confirmedHeight >= 3)
  }, START_MS)
  afterAll(async () => {
    await browser?.close()
    await stage.clear()
  }, START_MS)
  beforeEach(context => {
    if (browser === null) context.skip(NO_BROWSER)
  })

  const open = (options: Parameters<typeof NodePage.open>[2] = {}): Promise<NodePage> =>
    NodePage.open(present(browser), node.apiUrl, options)
  const answer = async <T>(path: string): Promise<T> => JSON.parse(await node.text(path)) as T

  it('comes in less than 200 kB, and shows every view of a running node without a complaint', async () => {
    const opened = await open()
    await opened.whenLink('live')
    await opened.show('overview')
    const files = [...opened.loadedBytes].filter(([path]) => !path.startsWith('/v1/'))
    expect(files.map(([path]) => path)).toContain('/')
    expect(files.reduce((sum, [, bytes]) => sum + bytes, 0)).toBeLessThan(FIRST_LOAD_BYTES)
    for (const view of VIEWS) await opened.show(view)
    expect(opened.complaints).toEqual([])
    await opened.close()
  })

  it('shows shares as they are found', async () => {
    const opened = await open()
    await opened.show('chain')
    const height = (): Promise<number> => opened.number(opened.figure('Confirmed share'))
    const before = await height()
    await opened.becomes('a newer share in the figures', height, now => now > before)
    const newest = opened.page.locator('.dag button.confirmed').last()
    await opened.becomes(
      'a newer share in the picture',
      async () =>
        Number(/Share ([\d,]+)/.exec((await newest.getAttribute('aria-label')) ?? '')?.[1]?.replaceAll(',', '')),
      shown => shown > before
    )
    expect(await opened.page.locator('.dag button.ours').count()).toBeGreaterThan(0)
    await opened.close()
  })

  it.each([
    ['desktop', 'light', DESKTOP],
    ['tablet', 'light', TABLET],
    ['phone', 'dark', PHONE]
  ] as const)(
    'has nothing that axe finds wrong, and nothing cut, on a %s in %s colours',
    async (device, scheme, viewport) => {
      const opened = await open({ viewport, colorScheme: scheme })
      for (const view of VIEWS) {
        await opened.show(view)
        await opened.picture(`${view}-${device}-${scheme}`)
        expect(await opened.overflow(), view).toEqual({ sideways: 0, cut: [] })
        await opened.page.evaluate(axe.source)
        const { violations } = await opened.page.evaluate(() =>
          (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] })
        )
        expect(violations.map(({ id, nodes }) => `${view} ${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual(
          []
        )
      }
      expect(opened.complaints).toEqual([])
      await opened.close()
    }
  )

  it('is used with the keyboard alone', async () => {
    const opened = await open()
    await opened.show('overview')
    const { keyboard } = opened.page
    const focused = (): Promise<string> => opened.page.evaluate(() => document.activeElement?.textContent.trim() ?? '')
    await keyboard.press('Tab')
    expect(await focused()).toBe('To the content')
    for (let tabs = 0; (await focused()) !== 'Share chain' && tabs < 10; tabs++) await keyboard.press('Tab')
    await keyboard.press('Enter')
    await opened.show('chain')
    await opened.page.locator('.dag button[tabindex="0"]').focus()
    const picked = (): Promise<string | null> =>
      opened.page.locator('.dag button[aria-pressed="true"]').getAttribute('data-hash')
    const before = await picked()
    await keyboard.press('ArrowLeft')
    await opened.becomes('the share to the left', picked, hash => hash !== null && hash !== before)
    await opened.close()
  })

  it('shows what a miner calls itself as text, and what it should have written', async () => {
    const probe = await stage.probe(node.stratumPort)
    await probe.ask('mining.subscribe', [HOSTILE])
    await probe.ask('mining.authorize', [HOSTILE, 'x'])
    const opened = await open({ viewport: PHONE })
    await opened.show('miners')
    const refused = opened.page.locator('#refused')
    await refused.waitFor()
    expect(await opened.text(refused)).toContain('<img src=x')
    expect(await opened.page.locator('main img').count()).toBe(0)
    expect(await opened.overflow()).toEqual({ sideways: 0, cut: [] })
    expect(opened.complaints).toEqual([])
    await opened.close()
  })

  it('asks for the login of a node that wants one, and shows it all with it', async () => {
    const hmac = createHmac('sha256', 'salt').update('secret').digest('hex')
    const login = ['--set', 'api.auth_user=anna', '--set', `api.auth_token=salt$${hmac}`]
    const closed = await stage
      .node({ dataDir: await stage.folder(), args: ['--set', 'devnet.miners=0', ...login] })
      .ready()
    const opened = await NodePage.open(present(browser), closed.apiUrl)
    const enter = async (password: string): Promise<void> => {
      await opened.page.getByLabel('Name').fill('anna')
      await opened.page.getByLabel('Password').fill(password)
      await opened.page.getByRole('button', { name: 'Enter' }).click()
    }
    await enter('guess')
    await opened.page.getByRole('alert').waitFor()
    await enter('secret')
    await opened.whenLink('live')
    await opened.show('node')
    expect(await opened.text(opened.page.locator('#settings'))).toContain('api.auth_user')
    await opened.close()
    await closed.stop('SIGTERM')
  })

  it('has the numbers of the API', async () => {
    await miner.stop('SIGTERM')
    const status = await node.statusWhen('the miner to be gone', SOON_MS, ({ miners }) => miners.length === 0)
    const opened = await open()
    const number = (label: string): Promise<number> => opened.number(opened.figure(label))

    await opened.show('overview')
    const { household, workers } = await answer<WorkersJson>('/v1/workers')
    expect(household.accepted).toBeGreaterThan(0)
    expect(await number('Miners connected')).toBe(0)
    expect(await number('Submits taken')).toBe(household.accepted)
    expect(await number('Share chain')).toBe(status.sharechain.confirmedHeight)
    expect(await number('Bitcoin height')).toBe(status.bitcoind.height)
    const { earnings } = await answer<EarningsJson>('/v1/earnings')
    const sats = earnings?.now.sats ?? 0
    expect(sats).toBeGreaterThan(0)
    expect(await opened.number(opened.page.locator('#verdict .answer'))).toBe(sats)

    await opened.show('earnings')
    expect(await number('You would get')).toBe(sats)
    expect(await number('Rank')).toBe(earnings?.now.outputs[0]?.rank)
    const blocks = await answer<BlocksJson>('/v1/blocks?limit=15')
    const rows = opened.page.locator('#blocks tbody tr')
    expect(await rows.count()).toBe(blocks.blocks.length)
    for (const [index, block] of blocks.blocks.entries()) {
      expect(await opened.number(rows.nth(index).locator('th'))).toBe(block.height)
      expect(await rows.nth(index).locator('code').getAttribute('title')).toBe(block.hash)
    }

    await opened.show('miners')
    const [worker] = workers
    const row = opened.page.locator('#workers tbody tr').first()
    expect(await opened.text(row)).toContain('bitaxe')
    expect(await opened.number(row.locator('[data-label="Accepted"]'))).toBe(worker?.accepted)
    expect(await opened.number(row.locator('[data-label="Rejected"]'))).toBe(worker?.rejected)
    expect(await opened.text(row.locator('[data-label="State"]'))).toBe('gone')

    await opened.show('chain')
    const window = await answer<WindowJson>('/v1/window')
    expect(await number('Addresses paid')).toBe(window.addresses)
    expect(await number('Payout window')).toBe(window.shares)
    const payees = opened.page.locator('#payees tbody tr')
    for (const [index, payee] of window.miners.entries()) {
      expect(await payees.nth(index).locator('.mono').getAttribute('title')).toBe(payee.address)
      expect(await opened.number(payees.nth(index).locator('td').last())).toBe(payee.sats)
    }
    const { coinbase } = await answer<CoinbaseJson>('/v1/coinbase')
    const outputs = opened.page.locator('#coinbase tbody tr')
    expect(await outputs.count()).toBe(coinbase?.outputs.length)
    expect(await opened.number(outputs.first().locator('td').last())).toBe(coinbase?.outputs[0]?.sats)

    await opened.show('node')
    const peers = await answer<PeersJson>('/v1/peers')
    expect(await opened.text(opened.page.locator('#invite'))).toContain(peers.peer)
    expect(await opened.text(opened.page.locator('#invite code').first())).toBe(await node.invite())
    await opened.close()
  })

  it('says so while the node does not answer, and goes on by itself when it is back', async () => {
    const opened = await open()
    await opened.whenLink('live')
    const port = new URL(node.apiUrl).port
    const { sharechain } = await answer<StatusJson>('/v1/status')
    await node.stop('SIGTERM')
    await opened.whenLink('lost')
    expect(await opened.page.title()).toContain('no answer')

    node = await stage.node({ dataDir: node.dataDir, args: ['--set', 'devnet.miners=1', '--api-port', port] }).ready()
    await opened.whenLink('live')
    await opened.becomes(
      'shares that were found after the restart',
      () => opened.number(opened.figure('Share chain')),
      height => height > sharechain.confirmedHeight
    )
    // The browser itself writes down that nobody answered; nothing else may be there.
    expect(
      opened.complaints.filter(
        text => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(text)
      )
    ).toEqual([])
    await opened.close()
  })
})

function present(browser: Browser | null): Browser {
  if (browser === null) throw new Error(NO_BROWSER)
  return browser
}
