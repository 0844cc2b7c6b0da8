import { Telemetry } from '../../packages/node/shell/src/index.ts'
import { steadyMs, unixMs } from '../../packages/primitives/src/index.ts'
import { createLog, type HistogramSpec, type MetricSpec, Metrics } from '../../packages/runtime/src/index.ts'
import { code, type Page, pageText, table } from './page.ts'

/** Every metric of ours, as the telemetry declares it when it is made. */
export function metricsPage(): Page {
  const metrics = new DeclaredMetrics()
  new Telemetry({
    metrics,
    areCoinsReal: true,
    log: createLog({ level: 'silent', format: 'json' }),
    clock: { now: () => ({ wallMs: unixMs(0), steadyMs: steadyMs(0) }) }
  })
  return {
    path: 'docs/metrics.md',
    text: pageText({
      title: 'Metrics',
      source: 'what packages/node/shell declares',
      parts: [
        PREFACE,
        `## As the reference has them\n\n${OF_REFERENCE}`,
        tableOf(metrics.declared.filter(({ of }) => of === 'reference')),
        '## Ours',
        tableOf(metrics.declared.filter(({ of }) => of === undefined))
      ]
    })
  }
}

function tableOf(declared: readonly Declared[]): string {
  return table({
    head: ['name', 'type', 'labels', 'meaning'],
    rows: declared.map(({ name, type, labels, help }) => [
      code(name),
      type,
      labels === undefined || labels.length === 0 ? '–' : labels.map(code).join(', '),
      help
    ])
  })
}

const OF_REFERENCE = `Same names, labels and units, so that dashboards made for it work as they are: scrape the API port as a job, every five seconds.
\`…_shares_valid_total\` counts expected hashes, difficulties are relative to bitcoin's difficulty 1.`

const PREFACE = `Served at \`/metrics\` of the API port in Prometheus' text format. Node.js' own figures (\`process_…\`, \`nodejs_…\`) stand beside
these. How many series there can be of the labels with addresses and worker names is in [limits](limits.md).`

type Declared = MetricSpec & { readonly type: 'counter' | 'gauge' | 'histogram' }

/** A registry that remembers what was declared. */
class DeclaredMetrics extends Metrics {
  readonly declared: Declared[] = []

  override counter(spec: MetricSpec) {
    this.declared.push({ ...spec, type: 'counter' })
    return super.counter(spec)
  }

  override gauge(spec: MetricSpec) {
    this.declared.push({ ...spec, type: 'gauge' })
    return super.gauge(spec)
  }

  override histogram(spec: HistogramSpec) {
    this.declared.push({ ...spec, type: 'histogram' })
    return super.histogram(spec)
  }
}
