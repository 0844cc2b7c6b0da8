/**
 * In which order the parts stop: no new work is taken, miners are told, what was found is on disk, then all is closed. Parts of
 * one rank stop in reverse order of their start.
 */
export const STOP_RANK = {
  builtInMiners: 0,
  templateFeed: 1,
  api: 1,
  peers: 2,
  node: 2,
  stratum: 2,
  blockSubmission: 3,
  stratumRecorder: 3,
  alerts: 3,
  history: 3,
  chainReader: 3,
  embeddedChain: 4,
  shareStore: 5,
  accounting: 5,
  figures: 5
} as const
