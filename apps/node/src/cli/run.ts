import { type Command, CommanderError } from 'commander'
import { unknownCommand } from '../commands/unknown.ts'
import { fileTrouble } from '../data/file-trouble.ts'
import { EXIT, exitCodeOf, WrongUsage } from './outcome.ts'
import { cliProgram } from './program.ts'
import type { Terminal } from './terminal.ts'

/**
 * Runs one command line.
 * @param args without the program's name
 * @returns what to exit with at once where it failed, else 0; a command that did its work may have set the exit code
 * @throws what is a bug of ours
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = cliProgram(terminal)
  forEach(program, command => {
    command
      .exitOverride()
      .showHelpAfterError(false)
      .configureOutput({ outputError: () => undefined })
  })
  try {
    const unknown = unknownCommand(program, args)
    if (unknown !== null) throw new WrongUsage(unknown)
    await program.parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    const advice = error instanceof CommanderError ? usageAdvice(error, program, args) : adviceOf(error)
    if (advice === null) throw error
    terminal.remark(advice)
    return error instanceof CommanderError ? EXIT.usage : exitCodeOf(error)
  }
}

function forEach(command: Command, work: (command: Command) => void): void {
  work(command)
  for (const child of command.commands) forEach(child, work)
}

/** What the library that reads the command line found, in our words. */
function usageAdvice({ code, message }: CommanderError, program: Command, args: readonly string[]): string {
  const said = message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
  // A word behind options of the default command is a command that there is not.
  if (code === 'commander.excessArguments' && said.includes("'start'")) {
    const unknown = unknownCommand(program, program.commands.find(command => command.name() === 'start')?.args ?? [])
    if (unknown !== null) return unknown
  }
  const command = commandOf(program, args)
  if (code === 'commander.excessArguments' && command.options.some(({ long }) => long === '--out'))
    return `${said}; a file is named with --out: ./p2poolv2 ${commandPath(program, args)}--out ${args.at(-1)}`
  return `${said}; see: ./p2poolv2 ${commandPath(program, args)}--help`
}

/** The words of the command that was named, each with a space behind it. */
function commandPath(command: Command, args: readonly string[]): string {
  const child = command.commands.find(one => one.name() === args[0])
  return child === undefined ? '' : `${child.name()} ${commandPath(child, args.slice(1))}`
}

function commandOf(command: Command, args: readonly string[]): Command {
  const child = command.commands.find(one => one.name() === args[0])
  return child === undefined ? command : commandOf(child, args.slice(1))
}

/** What to say of an error that a person can act on: its message says how, and a stack would only hide it. */
function adviceOf(error: unknown): string | null {
  const isOurs =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z]+(-[a-z]+)+$/.test(error.code)
  return isOurs ? error.message : fileTrouble(error)
}
