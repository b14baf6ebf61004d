/**
 * Ten times as much text as a memory can hold: facts, other text and noise. A fifth of the facts are asked for
 * six times, first soon after they were read, and then comes as much as fills the memory three times. What is left at the end?
 */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  episodicMemory,
  type EpisodeFacts,
  Learner,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { context, rowOf, rowsOf } from './once-seen.ts'
import { pseudoFacts } from './pseudo-facts.ts'

/** What is left. */
export interface StoreLeft {
  /** Share of the facts asked for whose answer comes to mind after their question. */
  readonly asked: number
  /** The same of the others. */
  readonly others: number
  /** Bytes of noise, of those of all that is kept. */
  readonly noise: number
  /** Bytes read, by those of text that there is room for. */
  readonly read: number
  /** Share of all bytes read that is noise. */
  readonly noiseRead: number
  /** Bytes of the saved state, by those that the memory may take. */
  readonly saved: number
}

export interface StoreOptions {
  readonly seed: number
  readonly train: Uint8Array
  /** Bytes that the memory may take. */
  readonly room: number
  /** Whether the episodes that go are drawn by lot. */
  readonly byLot: boolean
}

/** Bytes of a fact, about. */
const factBytes = 30

export async function storeLife({ seed, train, room, byLot }: StoreOptions): Promise<StoreLeft> {
  const random = new RandomStream(keyFromSeed(seed)).named('store')
  const lots = new RandomStream(keyFromSeed(seed)).named('lots')
  const worth = byLot ? { worth: (_: EpisodeFacts) => lots.uniform() } : {}
  const memory = episodicMemory({ bytes: room, ...worth })
  const model = Gpt.create(
    { context, embed: 32, heads: 4, layers: 1, mlpHidden: 64 },
    { device: openWasm(), seed },
  )
  const learner = new Learner({
    model,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 2e-3, weightDecay: 0.01 })),
    strategy: { recall: memory },
  })
  const held = room / 40
  // A fifth of them fit into a third of the room.
  const facts = pseudoFacts(seed, Math.floor((1.5 * held) / factBytes))
  const isAsked = (_: unknown, i: number): boolean => i % 5 === 0
  let [read, noise] = [0, 0]
  const next = rowsOf(train)
  const observe = async (batch: TokenBatch): Promise<void> => {
    await learner.observe(batch)
    read += batch.tokens.filter((token) => token >= 0).length
  }
  const noisy = async (): Promise<void> => {
    const bytes = Array.from({ length: context + 1 }, () => random.below(256))
    noise += bytes.length
    const origin = { id: 0, source: 'noise', domain: 'text', at: 0, trust: 1 }
    await observe({ ...batchOfTokens(bytes, context, 'text'), origins: [origin] })
  }
  /** Reads what is wanted, with other text and noise in between, up to so many times what there is room for. */
  const among = async (rows: readonly TokenBatch[], until: number): Promise<void> => {
    for (const row of rows) {
      await observe(row)
      if (noise < 0.3 * read) await noisy()
    }
    const isDone = (): boolean => read >= until * held
    while (!isDone()) await (noise < 0.3 * read ? noisy() : observe(next()))
  }
  const all = facts.map(rowOf)
  const asked = all.filter(isAsked)
  for (let i = 0; i < all.length; i += 25) {
    const some = all.slice(i, i + 25)
    await among([...some, ...asked.slice(i / 5, i / 5 + 5)], 0)
  }
  for (const until of [3, 4, 5, 6, 7]) await among(asked, until)
  await among([], 10)
  const known = (some: readonly { question: string; answer: string }[]): number => {
    const right = some.filter(({ question, answer }) => {
      const { bytes = new Uint8Array() } = memory.recollect(new TextEncoder().encode(question)) ?? {}
      return new TextDecoder().decode(bytes).startsWith(answer)
    })
    return right.length / some.length
  }
  const left = memory.toState() as {
    readonly lengths: Int32Array
    readonly origins: { readonly sources: readonly string[]; readonly sourceOf: Int32Array }
  }
  const noiseAt = left.origins.sources.indexOf('noise')
  const noiseLeft = left.lengths.reduce(
    (sum, length, i) => sum + (left.origins.sourceOf[i] === noiseAt && noiseAt >= 0 ? length : 0),
    0,
  )
  learner.dispose()
  model.dispose()
  return {
    asked: known(facts.filter(isAsked)),
    others: known(facts.filter((fact, i) => !isAsked(fact, i))),
    noise: noiseLeft / memory.bytes,
    read: read / held,
    noiseRead: noise / read,
    saved: bytesIn(left) / room,
  }
}

/** Bytes of a state as a checkpoint holds it: arrays as they are, the rest as JSON. */
function bytesIn(state: unknown): number {
  if (ArrayBuffer.isView(state)) return state.byteLength
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return JSON.stringify(state).length
  return Object.values(state).reduce((sum: number, value) => sum + bytesIn(value), 0)
}
