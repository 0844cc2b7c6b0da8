/** Our own code is wrong. Never thrown for what a peer, miner, file or bitcoind did; whoever sees it stops the node. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * States what must hold if our own code is right.
 * @param sentence what was expected, constant text
 * @throws InvariantError if `condition` is falsy
 */
export function invariant(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new InvariantError(sentence)
}
