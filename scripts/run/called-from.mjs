// Where the user stands: programs run in the repository, and paths that are typed count from elsewhere.

/** Read by the node for paths on its command line and in its environment; no configuration key. */
export const CALLED_FROM = 'P2POOLV2_CALLED_FROM'

/**
 * npm runs a script in the repository and says where it was called; whatever else calls runs where its user stands.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} directory where this process runs
 * @param {string} root the repository
 */
export function calledFrom(env, directory, root) {
  return env['npm_lifecycle_event'] !== undefined && directory === root ? (env['INIT_CWD'] ?? directory) : directory
}
