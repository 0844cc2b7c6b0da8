import type { Installed } from './installed.ts'
import { GOOD_LICENCES, KNOWN_INSTALL_SCRIPTS, KNOWN_LICENCES, PURPOSES, TOOL_LICENCES } from './purposes.ts'

/** What is wrong with what is installed, a sentence each. */
export function supplyBreaches(
  installed: readonly Installed[],
  { named, workspace }: { readonly named: Iterable<string>; readonly workspace: string }
): string[] {
  return [
    ...installed.flatMap(scriptBreach),
    ...[...KNOWN_INSTALL_SCRIPTS]
      .filter(name => !workspace.includes(`${quoted(name)}: false`))
      .map(
        name => `${name}  is not forbidden to run its install script: say "false" in allowBuilds of pnpm-workspace.yaml`
      ),
    ...installed.flatMap(licenceBreach),
    ...[...named]
      .filter(name => PURPOSES[name] === undefined)
      .map(name => `${name}  is named by a package of ours and has no purpose in scripts/supply/purposes.ts`)
  ]
}

function scriptBreach({ name, version, installScripts }: Installed): string[] {
  if (installScripts.length === 0 || KNOWN_INSTALL_SCRIPTS.has(name)) return []
  return [`${name}@${version}  wants to run ${installScripts.join(', ')} while it is installed: take another, or none`]
}

function licenceBreach({ name, version, licence, isInNode }: Installed): string[] {
  const choices = licence.replace(/[()]/g, '').split(/ OR /)
  const isGood = (choice: string): boolean =>
    choice.split(/ AND /).every(one => GOOD_LICENCES.has(one) || (!isInNode && TOOL_LICENCES.has(one)))
  return choices.some(isGood) || KNOWN_LICENCES[name] === licence
    ? []
    : [`${name}@${version}  has the licence "${licence}"`]
}

function quoted(name: string): string {
  return name.startsWith('@') ? `'${name}'` : name
}
