/** The node's version, as `--version` and the logs show it; equals the one in package.json (a test compares them). */
export const VERSION = '0.1.0'
