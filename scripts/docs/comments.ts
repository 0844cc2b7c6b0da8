import type { Tree } from '../layers/tree.ts'
import { DocsError } from './page.ts'

/** The lines of a file. @throws DocsError if it is not there */
export function linesOf(tree: Tree, path: string): string[] {
  const text = tree.get(path)
  if (text === undefined) throw new DocsError(`${path} is gone; a page under scripts/docs is made from it`)
  return text.split('\n')
}

/**
 * The block comment above the line that begins with `declaration`, without its stars.
 * @throws DocsError if there is no such line or no comment above it
 */
export function commentAbove(tree: Tree, path: string, declaration: string): string[] {
  const lines = linesOf(tree, path)
  const end = lines.findIndex(line => line.startsWith(declaration))
  const start = lines.slice(0, Math.max(end, 0)).findLastIndex(line => line.startsWith('/**'))
  const comment = start < 0 ? [] : lines.slice(start, end)
  if (!comment.at(-1)?.endsWith('*/')) {
    throw new DocsError(
      `${path} has no comment above "${declaration}" any more; a page under scripts/docs is made from it`
    )
  }
  return comment
    .map(line => line.replace(/^(\/\*\*| \*\/| \*) ?/, '').replace(/ ?\*\/$/, ''))
    .filter((line, index) => line !== '' || (index > 0 && index < comment.length - 1))
}
