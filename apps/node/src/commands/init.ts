import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '../config.ts'
import { configTemplate } from '../config-template.ts'
import type { Config } from '../settings.ts'

/**
 * Writes a commented configuration.
 * @returns the absolute path written
 * @throws ConfigError when the file exists: a configuration is never overwritten
 */
export function init(path: string, chain: Config['chain']): string {
  const file = resolve(path)
  if (existsSync(file))
    throw new ConfigError(`${file} is there already and is left as it is; name another file with --config`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, configTemplate(chain), { flag: 'wx', mode: 0o600 })
  return file
}
