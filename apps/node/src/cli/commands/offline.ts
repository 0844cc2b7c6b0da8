import { writeFileSync } from 'node:fs'
import { Argument, type Command } from 'commander'
import { runningNode } from '../../commands/running-node.ts'
import { type CommonFlags, nodeAt, nodeAtDespiteConfig, sourcesOf, withConfigFlags } from '../../flags.ts'
import { typedPath } from '../../typed-path.ts'
import { bytes } from '../amounts.ts'
import { completionScript, SHELLS, type Shell } from '../completion.ts'
import { EXIT } from '../outcome.ts'
import type { Terminal } from '../terminal.ts'
import { textTable } from '../text-table.ts'

const GROUP = 'Without a node:'

type JsonFlags = CommonFlags & { readonly json?: boolean }

/** Commands that need no running node. */
export function offlineCommands(program: Command, terminal: Terminal): void {
  withConfigFlags(program.command('address').helpGroup(GROUP))
    .summary("the node's own share-chain address")
    .description(
      "Shows the node's own share-chain address. It reads the wallet key in the data directory and nothing else."
    )
    .option('--new', 'make a key if there is none')
    .option('--json', 'for a program')
    .action(async (flags: JsonFlags & { readonly new?: boolean }) => {
      const { address } = await import('../../commands/address.ts')
      const own = address(sourcesOf(flags), flags.new === true ? 'make' : 'refuse')
      terminal.say(flags.json === true ? JSON.stringify(own) : own.address)
    })

  const config = program
    .command('config')
    .helpGroup(GROUP)
    .summary('check the configuration, or show what is in force')
    .description('Checks the configuration, or shows what is in force.')
  withConfigFlags(config.command('check', { isDefault: true }))
    .description('Says whether a node could start with the configuration, and what to mend. Exits with 4 if not.')
    .option('--json', 'for a program')
    .action(async (flags: JsonFlags) => {
      const { checkedConfig, checkView } = await import('../../commands/config.ts')
      const checked = checkedConfig(sourcesOf(flags))
      terminal.say(flags.json === true ? JSON.stringify(checked) : checkView(checked, terminal.sheet()))
      if (!checked.ok) process.exitCode = EXIT.wrong
    })
  withConfigFlags(config.command('show'))
    .description('Every key in force, from file, environment and flags. Passwords are left out.')
    .option('--json', 'for a program')
    .action(async (flags: JsonFlags) => {
      const { checkedConfig, checkView, configView } = await import('../../commands/config.ts')
      const checked = checkedConfig(sourcesOf(flags))
      const view = checked.ok ? configView : checkView
      terminal.say(flags.json === true ? JSON.stringify(checked) : view(checked, terminal.sheet()))
      if (!checked.ok) process.exitCode = EXIT.wrong
    })

  program
    .command('gen-auth')
    .helpGroup(GROUP)
    .summary('a login for the page and the API')
    .description('Makes a login for the page and the API, and the two lines that the configuration needs for it.')
    .addArgument(new Argument('<user>', 'user name'))
    .addArgument(
      new Argument('[password]', '- asks for it, which keeps it out of the shell history; left out, one is made')
    )
    .option('--json', 'for a program')
    .action(async (user: string, password: string | undefined, flags: { readonly json?: boolean }) => {
      const { askedPassword, authView, generatedAuth } = await import('../../commands/gen-auth.ts')
      const { systemRng } = await import('@p2poolv2/runtime')
      const given = password === '-' ? await askedPassword() : (password ?? null)
      const made = generatedAuth(user, given, systemRng())
      terminal.say(flags.json === true ? JSON.stringify(made) : authView(made))
    })

  const db = program.command('db').helpGroup(GROUP).summary('what is kept on disk').description('What is kept on disk.')
  withConfigFlags(db.command('info', { isDefault: true }))
    .description(
      'Sizes of what is kept on disk; and, while no node runs, what the share store holds. A running node alone can have it open.'
    )
    .option('--json', 'for a program')
    .action(async (flags: JsonFlags) => {
      const { dbInfo, dbView } = await import('../../commands/db-info.ts')
      const info = await dbInfo(sourcesOf(flags), (await runningNode(nodeAt(flags))) !== null)
      terminal.say(flags.json === true ? JSON.stringify(info) : dbView(info, terminal.sheet()))
    })

  withConfigFlags(db.command('rollback'))
    .description(
      'Brings the share store of a stopped node back to the layout of the version before, so that this can be used again. Nothing that came since is lost, and it can be done at any time.'
    )
    .option('--json', 'for a program')
    .action(async (flags: JsonFlags) => {
      const { dbRollback, rollbackView } = await import('../../commands/db-rollback.ts')
      const done = await dbRollback(sourcesOf(flags))
      terminal.say(flags.json === true ? JSON.stringify(done) : rollbackView(done))
    })

  withConfigFlags(program.command('support-bundle').helpGroup(GROUP))
    .summary('gather what somebody who helps needs to know')
    .description(
      'Gathers version, configuration without logins, checks, status and the last lines of the log into one .tar.gz, and says what is in it. Addresses and names are replaced. It sends nothing: whom you give it to is up to you.'
    )
    .option('--api-port <port>', "the running node's page, instead of what its data directory says")
    .option('--out <file>', 'file to write (default: p2poolv2-support-DATE.tar.gz)')
    .option('--keep-identities', 'leave bitcoin and IP addresses, peer ids and names as they are')
    .option('--json', 'say what is in it for a program')
    .action(async (flags: JsonFlags & { readonly out?: string; readonly keepIdentities?: boolean }) => {
      const { bundleFile } = await import('../../bundle/bundle-file.ts')
      const { supportBundle } = await import('../../bundle/support-bundle.ts')
      const file = bundleFile(flags.out, new Date())
      const { apiPort: _, ...configFlags } = flags
      const identities = flags.keepIdentities === true ? 'keep' : 'replace'
      const { archive, files, replaced } = await supportBundle(
        nodeAtDespiteConfig(flags),
        sourcesOf(configFlags),
        identities
      )
      writeFileSync(file, archive, { flag: 'wx', mode: 0o600 })
      const counts = replaced === null ? null : Object.fromEntries(replaced)
      if (flags.json === true)
        return terminal.say(JSON.stringify({ file, bytes: archive.length, files, replaced: counts }))
      const table = textTable(
        [{ title: 'file' }, { title: 'size', align: 'right' }, { title: 'holds', cut: 'end' }],
        files.map(({ name, bytes: size, holds }) => [name, bytes(size), holds]),
        terminal.sheet()
      )
      const kinds = Object.entries(counts ?? {}).map(([kind, count]) => `${count} of ${kind}`)
      terminal.say([
        ...table,
        counts === null
          ? 'Addresses and names are as they are.'
          : `Replaced by names: ${kinds.length === 0 ? 'nothing' : kinds.join(', ')}.`,
        'Left out: keys, passwords, login hashes, cookie files.',
        `Wrote ${file}, ${bytes(archive.length)}. Nothing was sent: look into it, then give it to whom you like.`
      ])
    })

  program
    .command('explain')
    .helpGroup(GROUP)
    .summary('what a warning or error of the log means, costs and how to mend it')
    .description(
      'Says what a warning or error of the log means, what it costs and how to mend it. Without an id it lists them.'
    )
    .addArgument(new Argument('[id]', 'as P2P-0101, or 101'))
    .option('--json', 'for a program')
    .action(async (id: string | undefined, flags: { readonly json?: boolean }) => {
      const { explained } = await import('../../commands/explain.ts')
      const { messagesView, messageView } = await import('../views/explain-view.ts')
      const { MESSAGE_LIST } = await import('@p2poolv2/runtime')
      const found = id === undefined ? MESSAGE_LIST : explained(id)
      if (flags.json === true) return terminal.say(JSON.stringify(found))
      terminal.say('id' in found ? messageView(found, terminal.sheet()) : messagesView(found, terminal.sheet()))
    })

  program
    .command('replay')
    .helpGroup(GROUP)
    .summary('say again what miners said in recordings, and compare the answers')
    .description(
      'Says again what miners said in recordings ([stratum] record), and compares what they are answered now. Exits with 4 if anything differs.'
    )
    .addArgument(new Argument('<files...>', 'recordings'))
    .option('--differences', 'show what differs and nothing else')
    .action(async (files: readonly string[], flags: { readonly differences?: boolean }) => {
      const { replayFiles } = await import('../../commands/replay.ts')
      const { text, differences } = replayFiles(
        files.map(typedPath),
        flags.differences === true ? 'differences' : 'everything'
      )
      terminal.say(text)
      if (differences > 0) process.exitCode = EXIT.wrong
    })

  program
    .command('completion')
    .helpGroup(GROUP)
    .summary('a script that completes these commands in a shell')
    .description(
      'Prints a script that completes commands and options in a shell. bash: add `source <(p2poolv2 completion bash)` to ~/.bashrc; zsh: the same with zsh, to ~/.zshrc; fish: write it to ~/.config/fish/completions/p2poolv2.fish.'
    )
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .action((shell: Shell) => terminal.say(completionScript(shell, program).trimEnd()))
}
