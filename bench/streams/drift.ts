/**
 * Detectors of drift on streams that stay as they are, and on streams that change once: false alarms, changes
 * that were heard, and how late. Twenty long streams without a change, and a hundred with one: the mean delay of
 * twenty is itself unsure by a tenth. Controls: EDDM, which calls nearly everywhere, and
 * detectors of single numbers on a change of the covariance alone, of which no component tells anything.
 */
import {
  adaptiveWindowing,
  cusum,
  ddm,
  type DriftDetector,
  eddm,
  hddmAverage,
  hddmWeighted,
  kernelTwoSample,
  kswin,
  pageHinkley,
  scoreAlarms,
  standardized,
} from 'burgeon/continual'
import { keyFromSeed, RandomStream } from 'burgeon/tensor'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'

/** A stream of values or vectors, and something that calls. */
type Source<Value> = (random: RandomStream) => Value
type Caller<Value> = () => { update(value: Value): { readonly drift: boolean } }

const gaussian = (random: RandomStream): number => {
  const drawn = new Float32Array(1)
  random.fillNormal(drawn, 1)
  return drawn[0]
}
const level =
  (shift: number, scale = 1): Source<number> =>
  (random) =>
    scale * (shift + gaussian(random))
const errors =
  (rate: number): Source<number> =>
  (random) =>
    random.uniform() < rate ? 1 : 0
/** Eight standard normal components, any two of which have this correlation. */
const vectors =
  (correlation: number): Source<number[]> =>
  (random) => {
    const shared = Math.sqrt(correlation) * gaussian(random)
    return Array.from({ length: 8 }, () => shared + Math.sqrt(1 - correlation) * gaussian(random))
  }

interface Found {
  readonly falseAlarms: number
  readonly heard: number
  readonly delay: number
}

/** A stream of its own for every seed and case. */
const streamOf = (seed: number, name: string): RandomStream => new RandomStream(keyFromSeed(seed)).named(name)

function falseAlarms<Value>(
  seeds: number,
  count: number,
  make: Caller<Value>,
  source: Source<Value>,
): number {
  let alarms = 0
  for (let seed = 0; seed < seeds; seed++) {
    const [random, detector] = [streamOf(seed, 'stationary'), make()]
    for (let i = 0; i < count; i++) if (detector.update(source(random)).drift) alarms++
  }
  return alarms
}

/** A change after `at` values is heard if an alarm comes within as many more. */
function changed<Value>(
  seeds: number,
  at: number,
  make: Caller<Value>,
  [before, after]: readonly [Source<Value>, Source<Value>],
): Found {
  const scores = Array.from({ length: seeds }, (_, seed) => {
    const [random, detector] = [streamOf(seed, 'change'), make()]
    const alarms: number[] = []
    for (let i = 0; i < 2 * at; i++) {
      if (detector.update((i < at ? before : after)(random)).drift) alarms.push(i + 1)
    }
    return scoreAlarms({ changes: [at], alarms, within: at })
  })
  const delays = scores.flatMap(({ alarms }) =>
    alarms.flatMap(({ delay }) => (delay === null ? [] : [delay])),
  )
  return {
    falseAlarms: scores.reduce((sum, score) => sum + score.falseAlarms, 0),
    heard: delays.length,
    delay: delays.length > 0 ? mean(delays) : Number.NaN,
  }
}

const ofLevels: Readonly<Record<string, () => DriftDetector>> = {
  ADWIN: () => adaptiveWindowing(),
  'Page–Hinkley': () => pageHinkley(),
  'Page–Hinkley, standardized': () => standardized(pageHinkley({ threshold: 30, delta: 0.25 })),
  'ADWIN, standardized': () => standardized(adaptiveWindowing()),
  'CUSUM, threshold 10': () => cusum({ threshold: 10, minSamples: 100 }),
  'KSWIN, α 1e-4': () => kswin({ alpha: 1e-4, window: 200, recent: 60 }),
}
const ofErrors: Readonly<Record<string, () => DriftDetector>> = {
  ADWIN: () => adaptiveWindowing(),
  DDM: () => ddm(),
  EDDM: () => eddm(),
  'HDDM-A': () => hddmAverage(),
  'HDDM-W': () => hddmWeighted(),
}

/** Notices whatever any of eight detectors notices, each of one component. */
const byComponent = (make: () => DriftDetector) => (): { update(v: number[]): { drift: boolean } } => {
  const detectors = Array.from({ length: 8 }, make)
  return {
    update: (vector) => ({
      // Every detector sees its value, whatever the others say.
      drift: detectors.map((detector, c) => detector.update(vector[c]).drift).includes(true),
    }),
  }
}

export const drift: Benchmark = async ({ quick, note }) => {
  const [calm, seeds] = quick ? [4, 4] : [20, 100]
  const [long, short] = quick ? [2000, 600] : [10_000, 2500]
  const rows: BenchmarkRow[] = []
  const found = new Map<string, number>()
  const add = (about: string, metric: string, value: number, unit: string): void => {
    if (!Number.isFinite(value)) return
    rows.push({ case: about, metric, value, unit })
    found.set(`${about}, ${metric}`, value)
  }
  function study<Value>(
    about: string,
    make: Caller<Value>,
    count: number,
    at: number,
    before: Source<Value>,
    changes: Readonly<Record<string, Source<Value>>>,
  ): void {
    add(about, 'false alarms', falseAlarms(calm, count, make, before), `in ${calm} × ${count} values`)
    for (const [change, after] of Object.entries(changes)) {
      const { heard, delay } = changed(seeds, at, make, [before, after])
      add(about, `${change}, heard`, heard, `of ${seeds}`)
      add(about, `${change}, delay`, delay, 'values')
    }
    note(`${about}: done`)
  }
  for (const [name, make] of Object.entries(ofLevels)) {
    const shifts = { 'shift of 0.5': level(0.5), 'shift of 1': level(1), 'shift of 2': level(2) }
    study(`${name} on Gaussian noise`, make, long, 1000, level(0), shifts)
  }
  for (const [name, make] of Object.entries(ofErrors)) {
    const rates = { '0.2 to 0.3': errors(0.3), '0.2 to 0.4': errors(0.4), '0.2 to 0.6': errors(0.6) }
    study(`${name} on errors`, make, long, 1000, errors(0.2), rates)
  }
  const covariance = { 'covariance alone': vectors(0.8) }
  study('kernel two-sample test on vectors', () => kernelTwoSample(), short, 400, vectors(0), covariance)
  const components = byComponent(() => standardized(adaptiveWindowing()))
  study('ADWIN of each component on vectors', components, short, 400, vectors(0), covariance)
  // The same noise a thousand times larger, and a thousand times smaller.
  for (const scale of [1e-3, 1e3]) {
    const about = `Page–Hinkley, standardized, on noise times ${scale}`
    const { heard, delay } = changed(seeds, 1000, ofLevels['Page–Hinkley, standardized'], [
      level(0, scale),
      level(1, scale),
    ])
    add(about, 'shift of 1, heard', heard, `of ${seeds}`)
    add(about, 'shift of 1, delay', delay, 'values')
  }
  const checks = checksOf(seeds, (name) => found.get(name) ?? Number.NaN)
  return { rows, checks: quick ? checks.filter(({ name }) => name.includes('heard')) : checks }
}

function checksOf(seeds: number, value: (name: string) => number): BenchmarkCheck[] {
  const share = (part: number): number => Math.round(part * seeds)
  const most = (name: string, limit: number): BenchmarkCheck => atMost(name, value(name), limit)
  const least = (name: string, limit: number): BenchmarkCheck => atLeast(name, value(name), limit)
  const near = (name: string, published: number, part: number): BenchmarkCheck[] => [
    most(name, published * (1 + part)),
    least(name, published * (1 - part)),
  ]
  return [
    most('ADWIN on Gaussian noise, false alarms', 1),
    most('ADWIN on errors, false alarms', 1),
    least('ADWIN on Gaussian noise, shift of 1, heard', share(1)),
    // Delays of an independent program, with another generator.
    ...near('ADWIN on Gaussian noise, shift of 0.5, delay', 119, 0.25),
    ...near('ADWIN on Gaussian noise, shift of 1, delay', 50, 0.25),
    ...near('ADWIN on errors, 0.2 to 0.4, delay', 157, 0.25),
    ...near('HDDM-A on errors, 0.2 to 0.4, delay', 106, 0.4),
    ...near('HDDM-W on errors, 0.2 to 0.4, delay', 66, 0.4),
    ...near('DDM on errors, 0.2 to 0.6, delay', 84, 0.4),
    most('HDDM-A on errors, false alarms', 4),
    // The control: this one is not fit to set anything off.
    least('EDDM on errors, false alarms', 200),
    most('Page–Hinkley, standardized on Gaussian noise, false alarms', 4),
    least('Page–Hinkley, standardized, on noise times 0.001, shift of 1, heard', share(0.95)),
    least('Page–Hinkley, standardized, on noise times 1000, shift of 1, heard', share(0.95)),
    most('kernel two-sample test on vectors, false alarms', 1),
    least('kernel two-sample test on vectors, covariance alone, heard', share(0.95)),
    // The control: no component tells it.
    most('ADWIN of each component on vectors, covariance alone, heard', share(0.1)),
  ]
}
