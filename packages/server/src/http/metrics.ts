/** Counters and times of a server, as Prometheus reads them. */

interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly values: Map<string, number>
}

/** Upper ends of the buckets of times, in seconds. */
const buckets: readonly number[] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const escaped = (text: string): string => text.replaceAll(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))

const labelled = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Labels come from a few known values, never from a request: nobody can make them many. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>()

  /** Adds to a counter. */
  count(name: string, help: string, by: number, labels: Readonly<Record<string, string>> = {}): void {
    const { values } = this.#metric(name, 'counter', help)
    const key = labelled(labels)
    values.set(key, (values.get(key) ?? 0) + by)
  }

  gauge(name: string, help: string, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#metric(name, 'gauge', help).values.set(labelled(labels), value)
  }

  /** Notes how long something took, in seconds. */
  time(name: string, help: string, seconds: number): void {
    const { values } = this.#metric(name, 'histogram', help)
    const add = (key: string, by: number): unknown => values.set(key, (values.get(key) ?? 0) + by)
    for (const end of buckets) add(`_bucket{le="${end}"}`, seconds <= end ? 1 : 0)
    add('_bucket{le="+Inf"}', 1)
    add('_sum', seconds)
    add('_count', 1)
  }

  #metric(name: string, kind: Metric['kind'], help: string): Metric {
    const known = this.#metrics.get(name)
    if (known !== undefined) return known
    const made: Metric = { kind, help, values: new Map() }
    this.#metrics.set(name, made)
    return made
  }

  /** The text format of Prometheus, version 0.0.4. */
  text(): string {
    const lines = [...this.#metrics].flatMap(([name, { kind, help, values }]) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kind}`,
      ...[...values].map(([labels, value]) => `${name}${labels} ${value}`),
    ])
    return `${lines.join('\n')}\n`
  }
}
