import type { Command, Option } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const PROGRAM = 'p2poolv2'

/** One command with everything that may stand behind it. */
interface Node {
  /** `peers add`; empty for the program itself. */
  readonly words: readonly string[]
  readonly summary: string
  readonly below: readonly Node[]
  readonly options: readonly Option[]
  /** What may be given as arguments, where it is one of a few. */
  readonly choices: readonly string[]
}

/** The script by which a shell completes the program's commands, options and their values. */
export function completionScript(shell: Shell, program: Command): string {
  const tree = nodeOf(program, [])
  if (shell === 'fish') return fish(tree)
  const script = bash(tree)
  // zsh runs the script of bash by its own bridge, so that there is one list of words.
  return shell === 'bash' ? script : `#compdef ${PROGRAM}\nautoload -U +X bashcompinit && bashcompinit\n${script}`
}

function nodeOf(command: Command, words: readonly string[]): Node {
  return {
    words,
    summary: command.summary() || command.description(),
    below: command.commands.map(child => nodeOf(child, [...words, child.name()])),
    options: [
      ...command.options,
      ...command
        .createHelp()
        .visibleOptions(command)
        .filter(({ long }) => long === '--help')
    ],
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? [])
  }
}

const flat = (node: Node): Node[] => [node, ...node.below.flatMap(flat)]
const longOf = ({ long, short }: Option): string => long ?? short ?? ''
const isFile = ({ flags }: Option): boolean => /<(file|folder)>/.test(flags)

function bash(tree: Node): string {
  const nodes = flat(tree)
  const cases = nodes.map(node => {
    const words = [...node.below.map(({ words }) => words.at(-1)), ...node.choices, ...node.options.map(longOf)]
    return `    ${quoted(node.words.join(' '))}) words=${quoted(words.join(' '))} ;;`
  })
  const values = new Map<string, string>()
  for (const option of nodes.flatMap(({ options }) => options)) {
    if (option.argChoices !== undefined) values.set(longOf(option), `words=${quoted(option.argChoices.join(' '))}`)
    else if (isFile(option)) values.set(longOf(option), 'COMPREPLY=($(compgen -f -- "$word")); return')
    else if (option.required) values.set(longOf(option), 'COMPREPLY=(); return')
  }
  const names = nodes.flatMap(({ words }) => (words.length === 0 ? [] : [quoted(words.join(' '))]))
  return `# ${PROGRAM}: completion. In ~/.bashrc: source <(${PROGRAM} completion bash)
_${PROGRAM}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${command:+$command }\${COMP_WORDS[i]}" in
      ${names.join('|')}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command" in
${cases.join('\n')}
  esac
  case "$before" in
${[...values].map(([name, action]) => `    ${name}) ${action} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _${PROGRAM} ${PROGRAM} ./${PROGRAM}
`
}

function fish(tree: Node): string {
  const lines = [
    `# ${PROGRAM}: completion. Write it to ~/.config/fish/completions/${PROGRAM}.fish`,
    `complete -c ${PROGRAM} -f`
  ]
  for (const node of flat(tree)) {
    const when = condition(node)
    for (const child of node.below)
      lines.push(
        `complete -c ${PROGRAM} -n ${quoted(when)} -a ${quoted(child.words.at(-1) ?? '')} -d ${quoted(child.summary)}`
      )
    for (const choice of node.choices) lines.push(`complete -c ${PROGRAM} -n ${quoted(when)} -a ${quoted(choice)}`)
    for (const option of node.options) {
      const value =
        option.argChoices !== undefined
          ? ` -x -a ${quoted(option.argChoices.join(' '))}`
          : isFile(option)
            ? ' -r -F'
            : option.required
              ? ' -x'
              : ''
      lines.push(
        `complete -c ${PROGRAM} -n ${quoted(when)} -l ${longOf(option).slice(2)}${value} -d ${quoted(option.description)}`
      )
    }
  }
  return `${lines.join('\n')}\n`
}

/** When fish offers what belongs to a command: its words were said, and none of a command below. */
function condition({ words, below }: Node): string {
  const said = words.map(word => `__fish_seen_subcommand_from ${word}`)
  const unsaid =
    below.length === 0
      ? []
      : [`not __fish_seen_subcommand_from ${below.map(({ words: name }) => name.at(-1)).join(' ')}`]
  return [...said, ...unsaid].join('; and ') || 'true'
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
