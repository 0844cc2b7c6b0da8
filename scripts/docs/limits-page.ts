import ts from 'typescript'
import { LAYERS } from '../layers/table.ts'
import type { Tree } from '../layers/tree.ts'
import { isTestPath, layerOf } from '../layers/workspace.ts'
import { type Constant, readConstants } from './constants.ts'
import { code, grouped, type Page, pageText, table } from './page.ts'

const PATH = 'docs/limits.md'
const NAMED_AS_CAP = /(^|_)MAX(_|$)|_(CAP|LIMIT)(_|$)|^(KEPT|REMEMBERED)_/
const DESCRIBED_AS_CAP = /\bat the cap\b/i

/** Every cap in the sources of packages and apps, with what its comment says happens there. */
export function limitsPage(tree: Tree): Page {
  const caps = readConstants(sourcesOf(tree)).filter(isCap)
  const sections = LAYERS.flatMap(({ name, directory }) => {
    const own = caps.filter(cap => layerOf(cap.path)?.name === name)
    return own.length === 0 ? [] : [`## ${directory}`, table({ head: HEAD, rows: own.map(row) })]
  })
  return {
    path: PATH,
    text: pageText({
      title: 'Limits',
      source: 'the constants in packages and apps, and the comments beside them',
      parts: [PREFACE, ...sections]
    }),
    problems: caps.filter(lacksComment).map(({ path, line, name }) => {
      return `${path}:${line}  ${name} has no comment; say beside it what happens at the cap`
    })
  }
}

const PREFACE = `What peers, miners, bitcoin nodes and files can make grow has a cap, and beside the cap a comment that says what
happens there. This page repeats those comments. A name in brackets says that the comment stands over a run of constants
that begins with this one. Units are in the names.

Not here: the ranges of number formats, targets and amounts of hashes; what consensus allows in a share
([rules](rules.md)); what the operator sets ([configuration](config.md)).`

const HEAD = ['constant', 'value', 'what happens', 'file']

function row({ name, value, text, comment, commentFrom, path }: Constant): string[] {
  const meaning = commentFrom === null ? comment : `(${code(commentFrom)}) ${comment}`
  return [code(name), value === null ? code(text) : grouped(value), meaning, `[${path.split('/').at(-1)}](../${path})`]
}

function sourcesOf(tree: Tree): ts.SourceFile[] {
  return [...tree]
    .filter(([path]) => /^(packages|apps)\/.*\/src\/.*\.ts$/.test(path) && !isTestPath(path))
    .filter(([path]) => !path.endsWith('.test-support.ts'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
}

function isCap({ name, value, comment, commentFrom, isCapacity, text }: Constant): boolean {
  if (value === null) return /^MAX_/.test(name) && !/^[\w.]+\(/.test(text)
  if (isRange(value)) return false
  if (isCapacity || NAMED_AS_CAP.test(name)) return true
  return commentFrom === null && DESCRIBED_AS_CAP.test(comment)
}

/** The end of a number format, or more than anything that is counted: a target, an amount of hashes. */
function isRange(value: number | bigint): boolean {
  if (typeof value === 'number' && !Number.isInteger(value)) return false
  const whole = BigInt(value)
  return whole === 2n ** 32n - 1n || whole >= 2n ** 64n - 1n
}

function lacksComment({ name, path, comment }: Constant): boolean {
  return comment === '' && name.startsWith('MAX_') && layerOf(path)?.kind === 'pure'
}
