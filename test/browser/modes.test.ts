import axe from 'axe-core'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Stage } from '../e2e/stage/stage.ts'
import { NO_BROWSER, openBrowser } from './chromium.ts'
import { NodePage, PHONE, SOON_MS, type View } from './node-page.ts'

/** What each view shows where there is no share chain. */
const SHOWN: Readonly<Record<View, string>> = {
  overview: '#events',
  earnings: '#blocks',
  miners: '#workers',
  chain: '#coinbase',
  node: '#checks'
}

describe('the page of a node that stands alone', { timeout: 600_000 }, () => {
  const stage = new Stage()
  let browser: Browser | null = null

  beforeAll(async () => {
    browser = await openBrowser()
  }, 600_000)
  afterAll(async () => {
    await browser?.close()
    await stage.clear()
  }, 600_000)
  beforeEach(context => {
    if (browser === null) context.skip(NO_BROWSER)
  })

  it.each(['solo', 'hydrapool'] as const)('with mode %s promises nothing of a share chain, on a phone', async mode => {
    if (browser === null) throw new Error(NO_BROWSER)
    const args = ['--miners', '1', '--set', `mode=${mode}`]
    const node = await stage.node({ dataDir: await stage.folder(), args }).ready()
    await node.statusWhen('work that was done', SOON_MS, ({ totals }) => totals.accepted > 0)
    const opened = await NodePage.open(browser, node.apiUrl, { viewport: PHONE })
    await opened.page.getByRole('link', { name: 'Work' }).waitFor()
    for (const [view, block] of Object.entries(SHOWN)) {
      await opened.page.evaluate(name => {
        location.hash = `#/${name}`
      }, view)
      await opened.page.locator(block).waitFor()
      await opened.picture(`${mode}-${view}`)
      expect(await opened.overflow(), view).toEqual({ sideways: 0, cut: [] })
      // The way to a real chain speaks of what a share chain needs.
      const shown = (await opened.text(opened.page.locator('main'))).replace(await form(opened), '')
      for (const words of ['No peer', 'see the checks', 'genesis share', 'payout window', 'there is no template']) {
        expect(shown, view).not.toContain(words)
      }
      await opened.page.evaluate(axe.source)
      const { violations } = await opened.page.evaluate(() =>
        (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] })
      )
      expect(violations.map(({ id }) => `${view} ${id}`)).toEqual([])
    }
    expect(opened.complaints).toEqual([])
    await opened.close()
    await node.stop('SIGTERM')
  })
})

async function form(opened: NodePage): Promise<string> {
  const block = opened.page.locator('#first-config')
  return (await block.count()) === 0 ? '' : opened.text(block)
}
