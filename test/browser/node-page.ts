import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { until } from '../e2e/stage/until.ts'

export const VIEWS = ['overview', 'earnings', 'miners', 'chain', 'node'] as const
export type View = (typeof VIEWS)[number]

export const DESKTOP = { width: 1280, height: 800 }
/** The least width that has the menu in the header. */
export const TABLET = { width: 705, height: 1000 }
/** The narrowest phone that is still sold. */
export const PHONE = { width: 360, height: 740 }

/** Waits end when what is waited for is there; a busy computer takes longer. */
export const SOON_MS = 180_000

/** The page of a node in a browser of its own, with everything it complained about. */
export class NodePage {
  readonly page: Page
  /** Errors and warnings of the console, and exceptions nobody caught. */
  readonly complaints: string[] = []
  /** Bytes as they came over the line, headers included, by path. */
  readonly loadedBytes = new Map<string, number>()

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(SOON_MS)
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text())
    })
    page.on('pageerror', error => this.complaints.push(String(error)))
    page.on('requestfinished', async request => {
      // Of a page that was left meanwhile nobody knows any more.
      const sizes = await request.sizes().catch(() => null)
      if (sizes === null) return
      this.loadedBytes.set(new URL(request.url()).pathname, sizes.responseBodySize + sizes.responseHeadersSize)
    })
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<NodePage> {
    const context = await browser.newContext({ viewport: DESKTOP, ...options })
    const opened = new NodePage(await context.newPage())
    await opened.page.goto(url)
    return opened
  }

  /** Goes to a view and waits until its blocks are there. */
  async show(view: View): Promise<void> {
    await this.page.evaluate(name => {
      location.hash = `#/${name}`
    }, view)
    for (const block of BLOCKS[view]) await this.page.locator(`#${block}`).waitFor()
  }

  /** The large number below a label. */
  figure(label: string): Locator {
    return this.page.locator('.figure', { has: this.page.locator(`dt:text-is("${label}")`) }).locator('.amount')
  }

  async text(of: Locator): Promise<string> {
    return (await of.first().textContent()) ?? ''
  }

  /** The number in a text like "1,234 sats". */
  async number(of: Locator): Promise<number> {
    const text = await this.text(of)
    const digits = /-?[\d,]+(\.\d+)?/.exec(text)?.[0]
    if (digits === undefined) throw new Error(`no number in ${JSON.stringify(text)}`)
    return Number(digits.replaceAll(',', ''))
  }

  whenLink(state: 'connecting' | 'live' | 'lost'): Promise<void> {
    return this.page.locator(`[data-link="${state}"]`).waitFor()
  }

  /** How far the page is wider than the screen, and what in it is too wide for the box it stands in. */
  overflow(): Promise<{ readonly sideways: number; readonly cut: readonly string[] }> {
    return this.page.evaluate(() => {
      const root = document.documentElement
      const nameOf = (element: Element): string => `${element.tagName} ${element.textContent.trim().slice(0, 60)}`
      const isMeantToHide = (element: Element): boolean =>
        element.closest('.hidden-text, .skip, thead, .uplot, [aria-hidden="true"], .dag') !== null
      const all = [...document.body.querySelectorAll('*')].filter(element => !isMeantToHide(element))
      const outside = all.filter(element => element.getBoundingClientRect().right > root.clientWidth + 1)
      // A field to write in scrolls within itself.
      const fields = all.filter(({ tagName }) => tagName !== 'INPUT')
      const clipped = fields.filter(element => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
      return { sideways: root.scrollWidth - root.clientWidth, cut: [...outside, ...clipped].map(nameOf) }
    })
  }

  /** A picture to look at, where the environment names a folder for them. */
  async picture(name: string): Promise<void> {
    const folder = process.env['P2POOLV2_TEST_PICTURES']
    if (folder === undefined) return
    mkdirSync(folder, { recursive: true })
    await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
  }

  /** Waits until a value of the page is what it should be. */
  becomes<T>(what: string, read: () => Promise<T>, is: (value: T) => boolean): Promise<T> {
    return until(what, SOON_MS, async () => {
      const value = await read()
      return is(value) ? value : null
    })
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }
}

/** What each view has on a node with a miner, whatever else it has. */
const BLOCKS: Readonly<Record<View, readonly string[]>> = {
  overview: ['verdict', 'hashrate', 'my-shares', 'events'],
  earnings: ['verdict', 'payout-now', 'waits', 'chances', 'long-run', 'my-shares', 'payouts', 'blocks'],
  miners: ['workers', 'connect', 'hashrate'],
  chain: ['pool', 'share-chain', 'payees', 'work', 'coinbase'],
  node: ['checks', 'peers', 'invite', 'settings', 'alerts', 'events']
}
