import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What every metric is declared with: `labels` are names whose values come from closed sets, never hashes or ids. */
export interface MetricSpec {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** `reference`: a name the reference node has, which dashboards made for it ask for; it has no prefix. By default our own. */
  readonly of?: 'reference'
}

export interface HistogramSpec extends MetricSpec {
  /** Upper bounds in the metric's base unit, ascending. */
  readonly buckets: readonly number[]
}

export interface MetricsOptions {
  /** `include` adds Node.js's own figures: memory, event loop lag, garbage collection. */
  readonly processMetrics: 'include' | 'omit'
}

const NAME = /^p2pool_[a-z][a-z0-9_]*$/
const REFERENCE_NAME = /^(?!p2pool_)[a-z][a-z0-9_]*$/

/** One registry of metrics, ours named `p2pool_<what>_<unit>` in base units; counters end in `_total`. */
export class Metrics {
  /** prom-client's registry, for libraries that add their own metrics to ours. */
  readonly registry = new Registry()

  constructor(options: MetricsOptions = { processMetrics: 'omit' }) {
    if (options.processMetrics === 'include') collectDefaultMetrics({ register: this.registry })
  }

  /** @throws RangeError for a name that breaks the rule (a bug), Error for a name already taken (a bug). */
  counter(spec: MetricSpec): Counter {
    if (!spec.name.endsWith('_total')) throw new RangeError(`a counter's name ends in _total: ${spec.name}`)
    return new Counter(this.#configuration(spec))
  }

  /** @throws as `counter`. */
  gauge(spec: MetricSpec): Gauge {
    return new Gauge(this.#configuration(spec))
  }

  /** @throws as `counter`. */
  histogram(spec: HistogramSpec): Histogram {
    return new Histogram({ ...this.#configuration(spec), buckets: [...spec.buckets] })
  }

  /** The whole registry in Prometheus' text format. */
  exposition(): Promise<string> {
    return this.registry.metrics()
  }

  /** The `content-type` that goes with `exposition`. */
  get contentType(): string {
    return this.registry.contentType
  }

  #configuration(spec: MetricSpec) {
    const rule = spec.of === 'reference' ? REFERENCE_NAME : NAME
    if (!rule.test(spec.name)) throw new RangeError(`a metric's name is p2pool_<what>_<unit>: ${spec.name}`)
    return { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [this.registry] }
  }
}
