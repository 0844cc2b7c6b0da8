/** The views, in the order of the menu. */
export const VIEWS = ['overview', 'earnings', 'miners', 'chain', 'node'] as const
export type View = (typeof VIEWS)[number]

/** `#/earnings` shows a view; `#/chain/<hash>` names a thing in it. Anything else is the overview. */
export interface Route {
  readonly view: View
  readonly detail: string | null
}

export function routeOf(hash: string): Route {
  const [, name, detail] = hash.split('/')
  const view = VIEWS.find(known => known === name)
  return { view: view ?? 'overview', detail: view !== undefined && detail ? detail : null }
}
