import { IMPOSSIBLE, VersionGraph, VersionInfo } from '@start9labs/start-sdk'

const current = VersionInfo.of({
  version: '0.2.0:0',
  releaseNotes: { en_US: 'First version.' },
  migrations: { up: async () => {}, down: IMPOSSIBLE }
})

export const versionGraph = VersionGraph.of({ current, other: [] })
