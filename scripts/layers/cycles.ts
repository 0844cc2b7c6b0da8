/**
 * Finds files that import each other in a circle; one circle for each knot.
 * @param edges file to the files it imports; targets that are no key are ignored
 * @returns circles as lists of files, first and last the same
 */
export function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = []
  const finished = new Set<string>()
  const trail: string[] = []
  const visit = (file: string): void => {
    const start = trail.indexOf(file)
    if (start >= 0) cycles.push([...trail.slice(start), file])
    if (start >= 0 || finished.has(file)) return
    trail.push(file)
    for (const target of edges.get(file) ?? []) if (edges.has(target)) visit(target)
    trail.pop()
    finished.add(file)
  }
  for (const file of [...edges.keys()].sort()) visit(file)
  return cycles
}
