import { EXIT_MEANINGS } from '../../apps/node/src/cli/outcome.ts'
import { cliProgram } from '../../apps/node/src/cli/program.ts'
import { PLAIN } from '../../apps/node/src/cli/style.ts'
import { code, type Page, pageText, table } from './page.ts'

type Command = ReturnType<typeof cliProgram>

/** Every command with its arguments and options. */
export function cliPage(): Page {
  const silent = { say: () => {}, remark: () => {}, sheet: () => ({ style: PLAIN, columns: null, nowSec: 0 }) }
  const program = cliProgram(silent)
  const groups = new Map<string, Command[]>()
  for (const command of program.commands)
    groups.set(command.helpGroup(), [...(groups.get(command.helpGroup()) ?? []), command])
  return {
    path: 'docs/cli.md',
    text: pageText({
      title: 'Command line',
      source: 'apps/node/src/cli/commands',
      parts: [
        PREFACE,
        '## Exit codes',
        table({ head: ['code', 'meaning'], rows: EXIT_MEANINGS.map(([number, meaning]) => [String(number), meaning]) }),
        ...[...groups].flatMap(([title, commands]) => [
          `## ${title.replace(/:$/, '')}`,
          ...commands.flatMap(command => sectionsOf(command, []))
        ])
      ]
    })
  }
}

const PREFACE = `\`./p2poolv2\` from a clone, \`p2poolv2\` where it is installed; without a command it runs a node. On a terminal tables have colour, unless
\`NO_COLOR\` is set; into a file or another program they have none and nothing is cut. With \`--json\` a command that asks the running node
gives the API's own answer, byte for byte ([api](api.md)); the others give JSON of their own, of which fields keep their meaning.

A command finds the node that runs by its data directory (\`--data-dir\`), where the node has left its port and a token that lets this user
ask and command it, or by \`--api-port\`. What can be read without a node is read without one. Relative paths count
from where you stand, the default data directory from the clone. A running node alone can have its share
store open, so \`audit\` asks it where it runs and reads the store itself where none does; \`db info\` says sizes while a node runs, and what is in the
store once it is stopped.`

function sectionsOf(command: Command, before: readonly string[]): string[] {
  const path = [...before, command.name()]
  const below = command.commands.flatMap(child => sectionsOf(child, path))
  if (command.commands.length > 0) return [heading(path), command.description(), ...below]
  const rows = [
    ...command.registeredArguments.map(argument => [
      code(argument.required ? `<${argument.name()}>` : `[${argument.name()}]`),
      [
        argument.description,
        ...(argument.argChoices === undefined ? [] : [argument.argChoices.map(code).join(', ')])
      ].join(': ')
    ]),
    ...command.options.map(option => [code(option.flags), option.description])
  ]
  return [
    heading(path),
    command
      .description()
      .replace('\n', '\n\n')
      .replace(/^ {2}(\w+) +/gm, '- `$1`: '),
    ...(rows.length === 0 ? [] : [table({ head: ['', ''], rows })])
  ]
}

const heading = (path: readonly string[]): string => `### ${path.join(' ')}`
