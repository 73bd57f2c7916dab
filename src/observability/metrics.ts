/** Counters, gauges and histograms of one node, in Prometheus' text format. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { assert } from '../base/index.js'

export interface MetricInit<Label extends string> {
  /** `dps_<room>_<what>_<unit>`; counters end in `_total`. */
  name: string
  help: string
  labelNames?: readonly Label[]
}

export interface GaugeInit<Label extends string> extends MetricInit<Label> {
  /** Asked for at each scrape. A rejection fails the scrape: catch what may fail. */
  collect?: (gauge: Gauge<Label>) => void | Promise<void>
}

export interface HistogramInit<Label extends string> extends MetricInit<Label> {
  /** Upper bounds. @default 1 ms to 60 s, for seconds */
  buckets?: number[]
}

/** Each one wakes the process: at prom-client's 10 ms that is most of what an idle node does. */
const LOOP_PRECISION_MS = 100

const SECONDS_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]

/**
 * A registry of its own for each node. Asking for a name twice gives the same metric, so that
 * parts that exist several times can share one and tell themselves apart by label.
 */
export class Metrics {
  readonly #registry = new Registry()

  get contentType(): string {
    return this.#registry.contentType
  }

  counter<Label extends string = never>(init: MetricInit<Label>): Counter<Label> {
    const known = this.#registry.getSingleMetric(init.name)
    if (known !== undefined) {
      assert(known instanceof Counter, `metric ${init.name} is no counter`)
      return known as Counter<Label>
    }
    return new Counter({ ...plain(init), registers: [this.#registry] })
  }

  gauge<Label extends string = never>(init: GaugeInit<Label>): Gauge<Label> {
    const known = this.#registry.getSingleMetric(init.name)
    if (known !== undefined) {
      assert(known instanceof Gauge, `metric ${init.name} is no gauge`)
      return known as Gauge<Label>
    }
    const { collect } = init
    if (collect === undefined) return new Gauge({ ...plain(init), registers: [this.#registry] })
    return new Gauge({
      ...plain(init),
      registers: [this.#registry],
      collect() {
        return collect(this)
      },
    })
  }

  histogram<Label extends string = never>(init: HistogramInit<Label>): Histogram<Label> {
    const known = this.#registry.getSingleMetric(init.name)
    if (known !== undefined) {
      assert(known instanceof Histogram, `metric ${init.name} is no histogram`)
      return known as Histogram<Label>
    }
    return new Histogram({
      ...plain(init),
      buckets: init.buckets ?? SECONDS_BUCKETS,
      registers: [this.#registry],
    })
  }

  /** Adds the process's own: memory, event loop delay, garbage collection, descriptors. */
  collectProcess(): void {
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_PRECISION_MS,
    })
  }

  /** All of it in the text format of {@link contentType}. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Forgets every metric; counters given out before count into nothing. */
  clear(): void {
    this.#registry.clear()
  }
}

function plain<Label extends string>(init: MetricInit<Label>) {
  return { name: init.name, help: init.help, labelNames: [...(init.labelNames ?? [])] }
}
