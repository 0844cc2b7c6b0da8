import type { Command } from 'commander'
import { closestKey } from '../config-mistakes.ts'

/**
 * What to say of a command that there is not, as `invte`; null if there is one, or none was given.
 * @param args what stands behind the program's or the command's name
 */
export function unknownCommand(program: Command, [word, ...rest]: readonly string[]): string | null {
  if (word === undefined || word.startsWith('-')) return null
  if (word === 'help') return unknownCommand(program, rest)
  const known = program.commands.find(command => command.name() === word)
  if (known !== undefined) return known.commands.length > 0 ? unknownCommand(known, rest) : null
  const names = program.commands.map(command => command.name())
  const near = closestKey(word, names)
  return `there is no command "${word}"${near === null ? '.' : `; did you mean "${near}"?`} There are: ${names.join(', ')}`
}
