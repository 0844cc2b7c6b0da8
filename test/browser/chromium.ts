import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium'
]

/** Why there is nothing to see where no browser is. */
export const NO_BROWSER =
  'no Chromium on this computer: install it (apt-get install chromium), or name its program in P2POOLV2_TEST_CHROMIUM'

/** @returns null where there is none */
export async function openBrowser(): Promise<Browser | null> {
  const named = process.env['P2POOLV2_TEST_CHROMIUM']
  const program = named ?? PLACES.find(existsSync)
  if (program === undefined) return null
  // Root has no sandbox in a container, and a small /dev/shm would end the browser.
  const args = ['--disable-gpu', '--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
  return chromium.launch({ executablePath: program, args })
}
