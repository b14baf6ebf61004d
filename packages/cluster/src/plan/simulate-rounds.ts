/** Learning on machines that nobody here has, simulated: stragglers, failures and partitions, by a seed. */
import { checkOptions, checks, fields, keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { gammaDraw } from './gamma-draw.ts'

/** What befalls workers now and then. */
export interface WorkerFailures {
  /** Mean seconds from one failure of a worker to the next, > 0; a failure comes at any moment alike. */
  readonly every: number
  /** Seconds until it is back, ≥ 0. What it had done of its round is lost. */
  readonly back: number
}

/** A network that falls apart. */
export interface Partitions {
  /** Chance that it does in a round, in [0, 1]. */
  readonly chance: number
  /** Share of the workers that are not heard then, in [0, 1]. */
  readonly share: number
  /** Seconds by which what they say comes later, ≥ 0. */
  readonly seconds: number
}

/** What is simulated. */
export interface SimulationQuestion {
  /** 1 or more. */
  readonly workers: number
  /** 1 or more. */
  readonly rounds: number
  /** Steps that each worker makes by itself in a round; 1 is learning in step. 1 unless given. */
  readonly localSteps?: number
  /**
   * Workers whose work a round waits for, from 1; what the others do is lost. All unless given. Those beyond it are
   * backup workers (Chen et al. 2016, "Revisiting Distributed Synchronous SGD", section 3).
   */
  readonly quorum?: number
  /** Mean seconds of a step, > 0, planned or measured. */
  readonly stepSeconds: number
  /**
   * How much steps vary: the standard deviation by the mean, from 0 to 10, of a gamma distribution. 0 for none; 1 is the
   * exponential distribution. 0 unless given.
   */
  readonly variation?: number
  /** Workers that are slower than the others all the time: which share, and how many times as slow, ≥ 1. None unless given. */
  readonly slow?: { readonly share: number; readonly factor: number }
  /** None unless given. */
  readonly failures?: WorkerFailures
  /** None unless given. */
  readonly partitions?: Partitions
  /** Seconds at the end of each round in which all exchange what they learnt, ≥ 0. 0 unless given. */
  readonly exchangeSeconds?: number
  /** Bytes that each worker whose work counts exchanges in a round, ≥ 0. 0 unless given. */
  readonly exchangeBytes?: number
  /** Tokens of a worker's step, ≥ 0. 0 unless given. */
  readonly tokens?: number
  /** 0 unless given. */
  readonly seed?: number
}

/** Seconds of rounds. */
export interface RoundSeconds {
  readonly mean: number
  readonly median: number
  /** Nine of ten rounds take at most as long, and 99 of a hundred. */
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** What came of it. Plain data. */
export interface Simulation {
  /** In all. */
  readonly seconds: number
  readonly roundSeconds: RoundSeconds
  /** Share of the seconds that workers computed whose work does not count. */
  readonly lost: number
  /** Share of all workers' time in which they computed what counts. */
  readonly utilization: number
  /** Failures of workers. */
  readonly failures: number
  /** Bytes in all. */
  readonly bytes: number
  /** Tokens that count, in all and a second. */
  readonly tokens: number
  readonly tokensPerSecond: number
}

const aShare = checks.number({ from: 0, to: 1 })
const positive = checks.number({ above: 0 })
const some = checks.number({ from: 0 })
const aCount = checks.integer({ from: 1 })

/** Means of failures in the time of a round beyond which hardly any round would ever end. */
const mostFailures = 5

/** Shape of a gamma whose deviation, a hundred-thousandth of its mean, is none. */
const largestShape = 1e10

function check(question: SimulationQuestion): void {
  const who = 'simulateRounds'
  const { required } = checks
  checkOptions(who, question, {
    ...{ workers: required(aCount), rounds: required(aCount), stepSeconds: required(positive) },
    ...{
      localSteps: aCount,
      quorum: aCount,
      variation: checks.number({ from: 0, to: 10 }),
      tokens: some,
      seed: checks.seed,
    },
    ...{ exchangeSeconds: some, exchangeBytes: some },
    slow: fields('a share and a factor', { share: aShare, factor: checks.number({ from: 1 }) }),
    failures: fields('seconds between them, and until a worker is back', { every: positive, back: some }),
    partitions: fields('a chance, a share and seconds', { chance: aShare, share: aShare, seconds: some }),
  })
  const { workers, quorum = workers, localSteps = 1, stepSeconds, slow, failures } = question
  if (quorum > workers) {
    throw new OptionError(`${who}: got a quorum of ${quorum}; expected at most the ${workers} workers.`)
  }
  const longest = localSteps * stepSeconds * (slow?.factor ?? 1)
  if (failures !== undefined && longest > mostFailures * failures.every) {
    throw new OptionError(
      `${who}: got rounds of ${longest} seconds and a failure every ${failures.every}: hardly one would end; expected shorter rounds.`,
    )
  }
}

/** Seconds from the beginning of a round in which a worker computes. */
interface Attempt {
  readonly from: number
  readonly to: number
}

/** A worker in a round: attempts that failed, and the one that did not. */
interface WorkerRun {
  readonly attempts: readonly Attempt[]
  /** When the others hear of its work. */
  readonly heard: number
}

/**
 * Simulates rounds of learning: each worker makes its steps, a round ends when as many are heard as it waits for, then
 * all exchange, and begin the next. A worker that fails begins its round anew when it is back; one that is late
 * drops what it was doing. `localSteps: 1` is synchronous learning, with a `quorum` below `workers` the one with backup
 * workers, many local steps DiLoCo (Douillard et al. 2023). The same question has the same answer.
 *
 * @throws OptionError for a question that is none, or whose rounds would hardly ever end.
 */
export function simulateRounds(question: SimulationQuestion): Simulation {
  check(question)
  const { workers, rounds, localSteps = 1, quorum = workers } = question
  const { exchangeSeconds = 0, exchangeBytes = 0, tokens = 0 } = question
  const begin = runsOf(question)
  /** Seconds until those that have failed are back. */
  const away = new Float64Array(workers)
  const took = new Float64Array(rounds)
  let [counted, computed, failures] = [0, 0, 0]
  for (let round = 0; round < rounds; round++) {
    const runs = begin(away)
    const inOrder = runs.toSorted((a, b) => a.heard - b.heard)
    const end = inOrder[quorum - 1].heard
    for (const { attempts } of inOrder.slice(0, quorum)) {
      const { from, to } = attempts[attempts.length - 1]
      counted += to - from
    }
    for (const [worker, { attempts }] of runs.entries()) {
      for (const { from, to } of attempts) computed += Math.min(to, end) - Math.min(from, end)
      const failed = attempts.slice(0, -1).filter(({ to }) => to <= end).length
      failures += failed
      away[worker] = Math.max(0, attempts[failed].from - end - exchangeSeconds)
    }
    took[round] = end + exchangeSeconds
  }
  const seconds = took.reduce((sum, one) => sum + one, 0)
  const learnt = rounds * quorum * localSteps * tokens
  return {
    ...{ seconds, roundSeconds: distributionOf(took), failures },
    // Rounding may leave a hair.
    lost: Math.max(0, 1 - counted / computed),
    utilization: counted / (workers * seconds),
    ...{ bytes: rounds * quorum * exchangeBytes, tokens: learnt, tokensPerSecond: learnt / seconds },
  }
}

/** What begins a round: given the seconds until each worker is there, what becomes of them. */
function runsOf(question: SimulationQuestion): (away: Float64Array) => WorkerRun[] {
  const { workers, localSteps = 1, stepSeconds, variation = 0, slow, failures, partitions } = question
  const random = new RandomStream(keyFromSeed(question.seed ?? 0))
  const [ofSteps, ofFailures, ofNetwork] = ['steps', 'failures', 'network'].map((name) => random.named(name))
  const slowOnes = Math.round((slow?.share ?? 0) * workers)
  const computing = (worker: number): number => {
    const mean = localSteps * stepSeconds * (worker < slowOnes ? (slow?.factor ?? 1) : 1)
    // A sum of gammas of one scale is a gamma.
    const shape = localSteps / variation ** 2
    if (shape > largestShape) return mean
    return (gammaDraw(ofSteps, shape) * mean) / shape
  }
  const untilFailure = (): number =>
    failures === undefined ? Infinity : -failures.every * Math.log1p(-ofFailures.uniform())
  const runOf = (worker: number, from: number): Attempt[] => {
    const attempts: Attempt[] = []
    for (let begun = from; ; ) {
      const [needed, lived] = [computing(worker), untilFailure()]
      attempts.push({ from: begun, to: begun + Math.min(needed, lived) })
      if (lived >= needed) return attempts
      begun += lived + (failures?.back ?? 0)
    }
  }
  return (away) => {
    const isApart = partitions !== undefined && ofNetwork.uniform() < partitions.chance
    return Array.from(away, (from, worker) => {
      const attempts = runOf(worker, from)
      const late = isApart && ofNetwork.uniform() < partitions.share ? partitions.seconds : 0
      return { attempts, heard: attempts[attempts.length - 1].to + late }
    })
  }
}

function distributionOf(took: Float64Array): RoundSeconds {
  const sorted = took.toSorted()
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1]
  const mean = took.reduce((sum, one) => sum + one, 0) / took.length
  return { mean, median: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}
