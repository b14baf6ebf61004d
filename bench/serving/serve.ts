/**
 * `npm run bench -- serve`: how fast a server answers, and what learning at the same time costs. Clients stream
 * completions over HTTP on loopback, each one request after the other; lessons are sent without a pause. Clients,
 * server and learner are one process on the same cores.
 */
import { adamw } from '@burgeon/autograd/optim'
import { batches, Learner, reservoirReplay } from '@burgeon/continual'
import { BytePairTokenizer, Gpt } from '@burgeon/gpt'
import { type Running, serve as listen, type ServedModel, type Teacher } from '@burgeon/server'
import { atLeast, atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { median } from '../peers/peer.ts'
import { type AskingOptions, asking, post, quantile } from './asking.ts'
import { besideLlamaCpp } from './beside-llama-cpp.ts'

/** Tokens of an answer, and of a prompt. */
const [answerTokens, promptTokens] = [64, 32]
/** What learning gets of the time: nothing, the default share, or nearly all. */
const shares = { 'no learning': null, 'learning at 30 %': 0.3, 'learning at 90 %': 0.9 } as const
type Learning = keyof typeof shares

/** What some clients got. */
interface Measured {
  /** Of all clients together. */
  readonly tokensPerSecond: number
  /** Seconds from a request to its first token. */
  readonly firstTokens: readonly number[]
  readonly stepsPerSecond: number
}

export const serve: Benchmark = async ({ quick, note }) => {
  // In turn, and ratios within a round: a machine that is slower for a while is so for all three.
  const [rounds, seconds] = quick ? [1, 1.5] : [5, 4]
  const rows: BenchmarkRow[] = []
  const found = new Map<string, readonly Measured[]>()
  const of = (learning: Learning, clients: number): readonly Measured[] =>
    found.get(`${learning} ${clients}`) as readonly Measured[]
  for (const clients of [1, 4, 16]) {
    const subjects = await Promise.all(Object.values(shares).map((share) => open(share, clients)))
    const measured = subjects.map((): Measured[] => [])
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const [i, subject] of subjects.entries()) {
        const got = await measure(subject, clients, seconds)
        if (round > 0) measured[i].push(got)
      }
    }
    for (const subject of subjects) await close(subject)
    for (const [i, learning] of (Object.keys(shares) as Learning[]).entries()) {
      found.set(`${learning} ${clients}`, measured[i])
      const about = `${learning}, ${clients} ${clients === 1 ? 'client' : 'clients'}`
      rows.push(...rowsOf(about, measured[i]))
      note(
        rows.slice(-4).reduce((text, { metric, value }) => `${text}, ${metric} ${value.toFixed(1)}`, about),
      )
    }
  }
  /** The median of all rounds of what one case has of another. */
  const ratio = (what: keyof SpeedOf, [one, other]: readonly [Learning, Learning], clients: number): number =>
    median(of(one, clients).map((each, round) => each[what] / of(other, clients)[round][what]))
  const checks = [1, 4, 16].flatMap((clients) => [
    // Its share, and a tenth.
    atLeast(
      `${clients} clients: tokens/s with learning at 30 %, of those without`,
      ratio('tokensPerSecond', ['learning at 30 %', 'no learning'], clients),
      0.6,
    ),
    atLeast(
      `${clients} clients: learning steps at 30 %, of those at 90 %`,
      ratio('stepsPerSecond', ['learning at 30 %', 'learning at 90 %'], clients),
      0.15,
    ),
  ])
  const speed = (clients: number): number =>
    median(of('no learning', clients).map((each) => each.tokensPerSecond))
  const beside = await besideLlamaCpp(rounds, seconds, note)
  return {
    rows: [...rows, ...beside.rows],
    checks: [
      ...checks,
      ...beside.checks,
      atLeast('tokens/s of 16 clients, of those of one', speed(16) / speed(1), 2),
      atMost(
        '16 clients, learning at 30 %: first token, 99th of 100, s',
        quantile(firstTokensOf(of('learning at 30 %', 16)), 0.99),
        1,
      ),
    ],
  }
}

type SpeedOf = Pick<Measured, 'tokensPerSecond' | 'stepsPerSecond'>

function rowsOf(about: string, rounds: readonly Measured[]): BenchmarkRow[] {
  const firstTokens = firstTokensOf(rounds)
  const row = (metric: string, value: number, unit: string): BenchmarkRow => ({
    ...{ case: about, metric, value, unit },
  })
  return [
    row('tokens', median(rounds.map((each) => each.tokensPerSecond)), '/s'),
    row('first token, median', 1000 * quantile(firstTokens, 0.5), 'ms'),
    row('first token, 99th of 100', 1000 * quantile(firstTokens, 0.99), 'ms'),
    row('learning steps', median(rounds.map((each) => each.stepsPerSecond)), '/s'),
  ]
}

const firstTokensOf = (rounds: readonly Measured[]): number[] =>
  rounds.flatMap(({ firstTokens }) => firstTokens).toSorted((a, b) => a - b)

const promptOf = (client: number, request: number): string =>
  `${client} ${request} `.padEnd(promptTokens, 'the quick brown fox ')

/** A server that is asked. */
interface Subject {
  readonly served: ServedModel
  readonly running: Running
  /** Whether lessons are sent to it. */
  readonly learns: boolean
}

async function open(learnShare: number | null, clients: number): Promise<Subject> {
  const served = smallModel()
  const limits = { inFlight: clients + 1 }
  const running = await listen(served, { port: 0, learnShare: learnShare ?? 0, limits })
  return { served, running, learns: learnShare !== null }
}

async function close({ served, running }: Subject): Promise<void> {
  await running.close()
  served.model.dispose()
}

async function measure(subject: Subject, clients: number, seconds: number): Promise<Measured> {
  const { served, running, learns } = subject
  const stop = new AbortController()
  const lessons = learns ? teaching(running, stop.signal) : Promise.resolve()
  try {
    const options = { clients, answerTokens, promptOf, temperature: 1 } satisfies Partial<AskingOptions>
    await asking(running.url, { ...options, seconds: 0.3 * seconds })
    const [step, start] = [served.step(), performance.now()]
    const { tokens, firstTokens } = await asking(running.url, { ...options, seconds })
    const spent = (performance.now() - start) / 1000
    return {
      tokensPerSecond: tokens / spent,
      firstTokens,
      stepsPerSecond: (served.step() - step) / spent,
    }
  } finally {
    stop.abort()
    await lessons
  }
}

async function teaching({ url }: Running, stop: AbortSignal): Promise<void> {
  const text = 'The learner reads on and on, whatever it is that others ask of it. '.repeat(120)
  while (!stop.aborted) {
    const response = await post(url, '/v1/learn', { text })
    if (!response.ok) throw new Error(await response.text())
  }
}

/** A byte GPT of 0.9 million parameters, and a learner with replay. */
function smallModel(): ServedModel {
  const model = Gpt.create({ context: 256, embed: 128, heads: 4, layers: 4 }, { seed: 1 })
  const tokenizer = new BytePairTokenizer()
  const learner = new Learner({
    ...{ model, optimizer: adamw({ learningRate: 1e-3 }) },
    strategy: { rehearsal: reservoirReplay({ capacity: 200 }) },
  })
  const teacher: Teacher = {
    async learn({ text, domain }, turn) {
      const chunks = [{ domain, tokens: tokenizer.encode(text), positionAfter: () => null }]
      let [bytes, steps] = [0, 0]
      for await (const { batch } of batches(chunks, { rows: 2, length: 64 })) {
        bytes += (await turn(() => learner.observe(batch))).bytes
        steps++
      }
      return { bytes, steps, bitsPerByte: null, events: [], saved: false }
    },
    close: () => Promise.resolve(),
  }
  const transcript = { stopTexts: [], promptOf: () => Promise.resolve(tokenizer.encode('a')) }
  return { id: 'small', model, tokenizer, endTokens: [], transcript, step: () => learner.step, teacher }
}
