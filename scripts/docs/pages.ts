import type { Tree } from '../layers/tree.ts'
import { apiPage } from './api-page.ts'
import { cliPage } from './cli-page.ts'
import { configPage } from './config-page.ts'
import { messagesPage } from './messages-page.ts'
import { metricsPage } from './metrics-page.ts'
import type { Page } from './page.ts'
import { rulesPage } from './rules-page.ts'
import { storePage } from './store-page.ts'
import { supplyPage } from './supply-page.ts'

/**
 * All pages that are made from values of the code as this process has loaded it, and comments in the sources in `tree`.
 * @throws DocsError if the sources no longer look as a page expects them to
 */
export function makePages(tree: Tree): readonly Page[] {
  return [
    storePage(tree),
    apiPage(),
    cliPage(),
    configPage(),
    messagesPage(),
    metricsPage(),
    rulesPage(tree),
    supplyPage()
  ]
}

/** The pages that are not as they should be, a sentence each. */
export function complaintsAbout(pages: readonly Page[], committed: (path: string) => string): string[] {
  const stale = pages.filter(({ path, text }) => committed(path) !== text)
  return stale.map(({ path }) => `${path}  differs from the sources; run: npm run docs`)
}
