import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'

/** The built peer, or why there is none. */
export type RustBuild = { readonly program: string } | { readonly missing: string }

declare module 'vitest' {
  interface ProvidedContext {
    rustPeer: RustBuild
  }
}

const SOURCES = fileURLToPath(new URL('rust-peer/', import.meta.url))
/** Where git does not look; a second build takes a second. */
const TARGET = fileURLToPath(new URL('../../.cache/rust-peer/', import.meta.url))

/** Before the tests: builds the peer with the versions that its lock file names. */
export function setup(project: TestProject): void {
  const build = buildRustPeer()
  if ('missing' in build) console.error(`tests with the Rust peer are skipped: ${build.missing}`)
  project.provide('rustPeer', build)
}

function buildRustPeer(): RustBuild {
  if (spawnSync('cargo', ['--version']).status !== 0) return { missing: 'there is no cargo to build it with' }
  console.error('building the Rust peer; some minutes the first time')
  const { status, stderr } = spawnSync('cargo', ['build', '--release', '--locked', '--target-dir', TARGET], {
    cwd: SOURCES,
    encoding: 'utf8',
    maxBuffer: 67_108_864
  })
  if (status === 0) return { program: `${TARGET}release/rust-peer` }
  return { missing: `cargo could not build it: ${stderr.trim().split('\n').slice(-3).join(' | ')}` }
}
