import { type Route, routeOf } from './route.ts'

class PageRoute {
  now = $state.raw<Route>(routeOf(''))

  /** @returns how to stop following the address bar */
  start(): () => void {
    const follow = (): void => {
      const { view } = this.now
      this.now = routeOf(location.hash)
      if (view !== this.now.view) scrollTo({ top: 0 })
    }
    follow()
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }
}

export const pageRoute = new PageRoute()
