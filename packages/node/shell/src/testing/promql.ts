/** One sample of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** A number, or samples whose names do not count any more. */
export type Result = number | readonly Sample[]

/** The samples of a page in Prometheus' text format. */
export function samplesOf(page: string): Sample[] {
  return page
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
        ([, key = '', text = '']) => [key, text] as const
      )
      return { name, labels: new Map(pairs), value: Number(value) }
    })
}

/** What a server that scraped a node twice knows. */
export interface Scrapes {
  readonly first: readonly Sample[]
  readonly second: readonly Sample[]
  readonly apartSec: number
  readonly nowSec: number
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|\[[^\]]*\]|[(){},=*/+>-])/y

/** Answers the part of PromQL that the reference's dashboards use: enough to see that every query finds its series. */
export function evaluate(query: string, scrapes: Scrapes): Result {
  return new Evaluation(tokensOf(query), scrapes).whole()
}

function tokensOf(query: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < query.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(query)
    if (match === null) throw new Error(`cannot read ${query.slice(at)}`)
    tokens.push(match[1] ?? '')
  }
  return tokens
}

const LEVELS: readonly (readonly string[])[] = [['>'], ['+', '-'], ['*', '/']]

class Evaluation {
  readonly #tokens: string[]
  readonly #scrapes: Scrapes

  constructor(tokens: string[], scrapes: Scrapes) {
    this.#tokens = tokens
    this.#scrapes = scrapes
  }

  whole(): Result {
    const result = this.#binary(0)
    if (this.#tokens.length > 0) throw new Error(`left over: ${this.#tokens.join(' ')}`)
    return result
  }

  #binary(level: number): Result {
    const operators = LEVELS[level]
    if (operators === undefined) return this.#term()
    let left = this.#binary(level + 1)
    while (operators.includes(this.#peek())) {
      const operator = this.#tokens.shift() as string
      left = combined(operator, left, this.#binary(level + 1))
    }
    return left
  }

  #term(): Result {
    const token = this.#tokens.shift() ?? ''
    if (token === '(') {
      const inner = this.#binary(0)
      this.#take(')')
      return inner
    }
    if (/^\d/.test(token)) return Number(token)
    switch (token) {
      case 'time':
        this.#take('(')
        this.#take(')')
        return this.#scrapes.nowSec
      case 'rate':
        return this.#rate()
      case 'sum':
      case 'max':
      case 'count':
        return this.#aggregate(token)
      case 'topk':
        return this.#topk()
      case 'label_replace':
        return this.#labelReplace()
      default:
        return this.#select(token, this.#scrapes.second)
    }
  }

  #rate(): Result {
    this.#take('(')
    const rest = [...this.#tokens]
    const second = this.#select(this.#tokens.shift() ?? '', this.#scrapes.second)
    const first = new Evaluation(rest, this.#scrapes).#select(rest.shift() ?? '', this.#scrapes.first)
    if (!this.#tokens.shift()?.startsWith('[')) throw new Error('rate wants a range')
    this.#take(')')
    return second.flatMap(sample => {
      const before = first.find(({ labels }) => isSame(labels, sample.labels))
      if (before === undefined) return []
      return [{ ...sample, value: (sample.value - before.value) / this.#scrapes.apartSec }]
    })
  }

  #aggregate(how: 'sum' | 'max' | 'count'): Result {
    const by = this.#peek() === 'by' ? this.#list() : []
    this.#take('(')
    const inner = vector(this.#binary(0))
    this.#take(')')
    const groups = new Map<string, Sample[]>()
    for (const sample of inner) {
      for (const label of by) if (!sample.labels.has(label)) throw new Error(`${sample.name} has no label ${label}`)
      const key = by.map(label => sample.labels.get(label)).join('\n')
      groups.set(key, [...(groups.get(key) ?? []), sample])
    }
    return [...groups.values()].map(samples => {
      const values = samples.map(({ value }) => value)
      const value =
        how === 'count' ? values.length : how === 'max' ? Math.max(...values) : values.reduce((a, b) => a + b)
      const labels = new Map(by.map(label => [label, samples[0]?.labels.get(label) ?? ''] as const))
      return { name: '', labels, value }
    })
  }

  #topk(): Result {
    this.#take('(')
    const most = Number(this.#tokens.shift())
    this.#take(',')
    const inner = vector(this.#binary(0))
    this.#take(')')
    return [...inner].sort((a, b) => b.value - a.value).slice(0, most)
  }

  #labelReplace(): Result {
    this.#take('(')
    const inner = vector(this.#binary(0))
    const [to = '', replacement = '', from = '', pattern = ''] = [0, 1, 2, 3].map(() => {
      this.#take(',')
      return JSON.parse(this.#tokens.shift() ?? '') as string
    })
    this.#take(')')
    return inner.map(sample => {
      const text = sample.labels.get(from) ?? ''
      const labels = new Map(sample.labels)
      if (new RegExp(`^(?:${pattern})$`).test(text)) labels.set(to, text.replace(new RegExp(pattern), replacement))
      return { ...sample, labels }
    })
  }

  #select(name: string, from: readonly Sample[]): readonly Sample[] {
    const wanted: (readonly [string, string])[] = []
    if (this.#peek() === '{') {
      this.#take('{')
      while (this.#peek() !== '}') {
        const label = this.#tokens.shift() ?? ''
        this.#take('=')
        wanted.push([label, JSON.parse(this.#tokens.shift() ?? '') as string])
        if (this.#peek() === ',') this.#take(',')
      }
      this.#take('}')
    }
    return from.filter(
      sample => sample.name === name && wanted.every(([label, value]) => sample.labels.get(label) === value)
    )
  }

  #peek(): string {
    return this.#tokens[0] ?? ''
  }

  #list(): string[] {
    this.#take('by')
    this.#take('(')
    const names: string[] = []
    for (let token = this.#tokens.shift(); token !== ')'; token = this.#tokens.shift()) {
      if (token === undefined) throw new Error('a list has an end')
      if (token !== ',') names.push(token)
    }
    return names
  }

  #take(token: string): void {
    const next = this.#tokens.shift()
    if (next !== token) throw new Error(`expected ${token}, not ${next}`)
  }
}

function vector(result: Result): readonly Sample[] {
  if (typeof result === 'number') throw new Error('a vector is wanted')
  return result
}

/** Vectors are matched by equal labels, as Prometheus does without `on` or `ignoring`. */
function combined(operator: string, left: Result, right: Result): Result {
  if (typeof left === 'number' && typeof right === 'number') return computed(operator, left, right) ?? Number.NaN
  const pairs: readonly (readonly [Sample, number, number])[] =
    typeof left === 'number'
      ? vector(right).map(sample => [sample, left, sample.value])
      : typeof right === 'number'
        ? left.map(sample => [sample, sample.value, right])
        : left.flatMap(sample => {
            const other = right.find(({ labels }) => isSame(labels, sample.labels))
            return other === undefined ? [] : [[sample, sample.value, other.value] as const]
          })
  return pairs.flatMap(([sample, a, b]) => {
    const value = computed(operator, a, b)
    return value === null ? [] : [{ ...sample, value }]
  })
}

/** @returns null for a sample that a comparison leaves out */
function computed(operator: string, a: number, b: number): number | null {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return a / b
    default:
      return a > b ? a : null
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([label, value]) => b.get(label) === value)
}
