import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { inputText, parseCorpus } from './engine/corpus-text.ts'
import { tryInput } from './engine/trial.ts'
import { MODULES, targetsOf } from './targets/all.ts'

const CORPUS = new URL('./corpus/', import.meta.url)
const files = new Set(readdirSync(CORPUS))

for (const module of MODULES) {
  const targets = await targetsOf(module)
  it.each(targets.map(target => [target.name, target] as const))(
    '%s holds for all that was ever found',
    async (name, target) => {
      const kept = files.has(`${name}.txt`) ? parseCorpus(readFileSync(new URL(`${name}.txt`, CORPUS), 'utf8')) : []
      for (const bytes of [...target.seeds(), ...kept.map(line => line.bytes)]) {
        const { broken } = await tryInput(target, bytes, 'time')
        expect(broken, inputText(bytes).slice(0, 500)).toBeNull()
      }
      await target.end?.()
    }
  )
}

it('every corpus is of a target, and each target has a name of its own', async () => {
  const names = (await Promise.all(MODULES.map(targetsOf))).flat().map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect([...files].filter(file => !names.includes(file.replace(/\.txt$/, '')))).toEqual([])
})
