import { createHmac } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { StatusJson } from '@p2poolv2/api/schema'
import { DevChainServer } from '@p2poolv2/devchain/rpc'
import { createLog, systemClock } from '@p2poolv2/runtime'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { regtestAddress } from '../e2e/stage/addresses.ts'
import type { NodeProgram } from '../e2e/stage/node-program.ts'
import { Stage } from '../e2e/stage/stage.ts'
import { NO_BROWSER, openBrowser } from './chromium.ts'
import { NodePage, PHONE, SOON_MS } from './node-page.ts'

const START_MS = 600_000
const ADDRESS = regtestAddress(3)
/** Of the password `secret`: see docs/api.md. */
const LOGIN_TOKEN = `salt$${createHmac('sha256', 'salt').update('secret').digest('hex')}`

describe('what the owner does on the page', { timeout: 600_000 }, () => {
  const stage = new Stage()
  let browser: Browser | null = null

  beforeAll(async () => {
    browser = await openBrowser()
  }, START_MS)
  afterAll(async () => {
    await browser?.close()
    await stage.clear()
  }, START_MS)
  beforeEach(context => {
    if (browser === null) context.skip(NO_BROWSER)
  })

  const open = (url: string): Promise<NodePage> => {
    if (browser === null) throw new Error(NO_BROWSER)
    return NodePage.open(browser, url, { viewport: PHONE })
  }

  it('from a development chain to a real bitcoin node: answers, a test that finds a mistake, and a restart by itself', async () => {
    const dataDir = await stage.folder()
    const log = createLog({ level: 'silent', format: 'json' })
    const file = join(await stage.folder(), 'chain')
    const bitcoind = await DevChainServer.start({ user: 'anna', password: 'secret', file, clock: systemClock(), log })
    stage.onEnd(() => bitcoind.stop())
    // It has to be found where it was when it has started again.
    const ports = ['--api-port', await freePort(), '--stratum-port', await freePort()]
    const node = await stage.node({ dataDir, args: ['--set', 'devnet.miners=0', ...ports] }).ready()
    const opened = await open(node.apiUrl)
    await opened.show('node')
    const form = opened.page.locator('#first-config')
    // Who is on this computer may be anybody who has an account there.
    await form.getByText('./p2poolv2 link').waitFor()
    await opened.page.goto(ownerLink(node))
    await form.getByRole('radio', { name: /^regtest/ }).waitFor()
    expect(opened.page.url()).toBe(`${node.apiUrl}/#/node`)
    const write = form.getByRole('button', { name: 'Write the configuration' })
    const test = form.getByRole('button', { name: 'Test these answers' })
    await form.getByRole('radio', { name: /^main/ }).check()
    await form.getByRole('textbox', { name: 'Cookie file' }).fill('/nowhere/.cookie')
    await test.click()
    await form.getByText('/nowhere/.cookie is not there: start the bitcoin node').waitFor()
    await form.getByText('On main it is needed').waitFor()
    expect(await write.isDisabled()).toBe(true)
    await form.getByRole('radio', { name: /^regtest/ }).check()
    await form.getByLabel('RPC address').fill(bitcoind.url)
    await form.getByLabel(/It runs on this computer/).uncheck()
    await form.getByLabel('RPC user').fill('anna')
    await form.getByLabel('RPC password').fill('guess')
    await form.getByLabel(/zmqpubhashblock/).fill('')
    await form.getByLabel('Your bitcoin address').fill('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4')
    expect(await write.isDisabled()).toBe(true)
    await test.click()
    await form.getByText('is no address of regtest').waitFor()
    await form.getByText('does not accept our credentials').waitFor()
    expect(await write.isDisabled()).toBe(true)

    await form.getByLabel('RPC password').fill('secret')
    await form.getByLabel('Your bitcoin address').fill(ADDRESS)
    await test.click()
    await form.getByText('The bitcoin node gives work, at height 0').waitFor()
    expect(await opened.overflow()).toEqual({ sideways: 0, cut: [] })
    await opened.picture('first-config-phone-light')
    await write.click()
    await form.getByText('starts again with it now').waitFor()

    const status = async (): Promise<StatusJson | null> => {
      const answer = await fetch(`${node.apiUrl}/v1/status`).catch(() => null)
      return answer?.ok === true ? ((await answer.json()) as StatusJson) : null
    }
    await opened.becomes(
      'a node on the bitcoin node that was named',
      status,
      now => now?.chain === 'regtest' && now.bitcoind.state === 'ready'
    )
    await opened.page.locator('header .chain', { hasText: 'regtest' }).waitFor({ timeout: SOON_MS })
    const config = join(dataDir, 'p2poolv2.toml')
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(readFileSync(config, 'utf8')).toContain(`bare_name_address = "${ADDRESS}"`)
    // Miners that only have a name are paid now, and the page says what to write into them.
    const miner = await stage.probe(node.stratumPort)
    await miner.login('attic')
    expect((await miner.notify(SOON_MS)).isClean).toBe(true)
    await opened.close()
    expect(await node.stop()).toEqual({ code: 0, signal: null })
  })

  it('the link opens the page of a node with a login at once, with the form first; after a restart it is said to be old', async () => {
    const dataDir = await stage.folder()
    const ports = ['--api-port', await freePort(), '--stratum-port', await freePort()]
    const login = ['--set', 'api.auth_user=anna', '--set', `api.auth_token=${LOGIN_TOKEN}`]
    const args = ['--set', 'devnet.miners=0', ...ports, ...login]
    const first = await stage.node({ dataDir, args }).ready()
    const opened = await open(ownerLink(first))
    const form = opened.page.locator('#first-config')
    await form.getByRole('radio', { name: /^regtest/ }).waitFor()
    expect(opened.page.url()).toBe(`${first.apiUrl}/#/node`)
    // Nothing had gone out without what stands in the link, and been refused.
    expect(opened.complaints).toEqual([])
    expect(await isFirst(opened)).toBe(true)
    await first.stop()

    const second = await stage.node({ dataDir, args }).ready()
    await opened.page.getByRole('alert').getByText('link is old').waitFor()
    await opened.page.getByText('./p2poolv2 link').waitFor()
    // In the same tab, which has been loaded and asks for a login.
    await opened.page.goto(ownerLink(second))
    await form.getByRole('radio', { name: /^regtest/ }).waitFor()
    await opened.close()
    await second.stop()
  })

  it('a link that somebody else made takes no login away', async () => {
    const dataDir = await stage.folder()
    const login = ['--set', 'api.auth_user=anna', '--set', `api.auth_token=${LOGIN_TOKEN}`]
    const node = await stage.node({ dataDir, args: ['--set', 'devnet.miners=0', ...login] }).ready()
    const opened = await open(ownerLink(node))
    const form = opened.page.locator('#first-config')
    await form.getByRole('radio', { name: /^regtest/ }).waitFor()
    const kept = (): Promise<string | null> => opened.page.evaluate(() => sessionStorage.getItem('p2poolv2-login'))
    const before = await kept()
    const refused = opened.page.waitForResponse(answer => answer.url().endsWith('/v1/setup') && answer.status() === 401)
    await opened.page.goto(`${node.apiUrl}/#/node/owner=${'00'.repeat(32)}`)
    await (await refused).finished()
    expect(opened.page.url()).toBe(`${node.apiUrl}/#/node`)
    expect(await kept()).toBe(before)
    await opened.page.reload()
    await form.getByRole('radio', { name: /^regtest/ }).waitFor()
    await opened.close()
    await node.stop()
  })

  it('a form that was open over a restart says why it is gone, and comes back as it was', async () => {
    const dataDir = await stage.folder()
    const args = ['--set', 'devnet.miners=0', '--api-port', await freePort(), '--stratum-port', await freePort()]
    const first = await stage.node({ dataDir, args }).ready()
    const opened = await open(`${first.apiUrl}/#/node/owner=wrong`)
    const form = opened.page.locator('#first-config')
    await form.getByRole('alert').getByText('is old').waitFor()
    // As far down as somebody may be who has read all of it.
    await opened.page.locator('#events').scrollIntoViewIfNeeded()
    await opened.page.goto(ownerLink(first))
    const rpc = form.getByLabel('RPC address')
    await rpc.waitFor()
    expect(await isFirst(opened)).toBe(true)
    await rpc.fill('http://192.0.2.7:8332')
    await form.getByRole('radio', { name: /^signet/ }).check()
    expect(await rpc.inputValue()).toBe('http://192.0.2.7:8332')
    await first.stop()

    const second = await stage.node({ dataDir, args }).ready()
    await form.getByRole('alert').getByText('the node has started again').waitFor()
    await form.getByText('your answers are kept').waitFor()
    await opened.page.goto(ownerLink(second))
    await rpc.waitFor()
    expect(await rpc.inputValue()).toBe('http://192.0.2.7:8332')
    await opened.close()
    await second.stop()
  })

  it('an alert that is tried on the page arrives', async () => {
    const heard: unknown[] = []
    const phone: Server = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      heard.push(JSON.parse(text))
      response.writeHead(200).end()
    })
    await new Promise<void>(resolve => phone.listen(0, '127.0.0.1', resolve))
    stage.onEnd(async () => phone.close())
    const url = `http://127.0.0.1:${(phone.address() as AddressInfo).port}/a-secret`
    const args = [
      '--set',
      'devnet.miners=0',
      '--set',
      `alerts.webhook=${url}`,
      '--set',
      'alerts.ntfy=http://127.0.0.1:1/x'
    ]
    const node = await stage.node({ dataDir: await stage.folder(), args }).ready()
    const opened = await open(node.apiUrl)
    await opened.show('node')
    const alerts = opened.page.locator('#alerts')
    await alerts.getByRole('button', { name: 'Send a test' }).click()
    await alerts.getByText('it took the test').waitFor()
    await alerts.getByText('it cannot be reached').first().waitFor()
    expect(heard).toEqual([expect.objectContaining({ rule: 'test', title: 'Test of alerts', chain: 'devnet' })])
    expect(await opened.text(opened.page.locator('#settings'))).not.toContain('a-secret')
    expect(await opened.overflow()).toEqual({ sideways: 0, cut: [] })
    expect(opened.complaints).toEqual([])
    await opened.close()
    await node.stop('SIGTERM')
    expect(node.program.output).not.toContain('a-secret')
  })
})

/** As `./p2poolv2 link` prints it. */
function ownerLink({ apiUrl, dataDir }: NodeProgram): string {
  const { token } = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as { readonly token: string }
  return `${apiUrl}/#/node/owner=${token}`
}

/** Whether the form is what is seen first, without scrolling. */
function isFirst({ page }: NodePage): Promise<boolean> {
  return page.evaluate(() => {
    const form = document.querySelector('#first-config')
    return scrollY === 0 && form !== null && form === document.querySelector('main section')
  })
}

async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return String(port)
}
