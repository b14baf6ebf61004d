/** The contract of a recall, as statements to be checked in any test runner. */
import { adamw } from '@burgeon/autograd/optim'
import { BytePairTokenizer, Gpt } from '@burgeon/gpt'
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import { growOnSchedule } from '../growth/policies/grow-on-schedule.ts'
import { Learner } from '../learner.ts'
import type { LearnerState } from '../learner-state.ts'
import { aRecall, type ReadText, type Recall } from '../memory/recall.ts'
import { type Spelling, spellingOf } from '../memory/spelling.ts'
import { batchOfTokens } from '../stream/batch.ts'

const bytes = spellingOf(256)
/** Loss of every byte by the made-up model, in nats. */
const nats = 4
const names = ['Melkin', 'Orda', 'Tesset', 'Ulm', 'Vardy', 'Ixil', 'Perran', 'Zoë']
const sentences = names.map((name, i) => `The keeper of ${'abcdefgh'[i].repeat(9)} is ${name} of Dorrin.`)

/**
 * Checks a recall on made-up texts, and in the life of a small model that grows; the same in every run.
 *
 * @param make Makes a fresh recall.
 * @throws OptionError if `make` does not return a recall.
 */
export async function checkRecall(make: () => Recall): Promise<CheckResult[]> {
  checkArgument('checkRecall', 'make', make, checks.callback('a function that makes a recall'))
  const made = (): Recall => {
    const recall = make()
    if (aRecall.accepts(recall)) return recall
    throw new OptionError(`checkRecall: got ${shown(recall)} from make; expected a recall.`)
  }
  const { name } = made()
  const life = await complaintOf(() => wrongLife(made))
  const promises: Promised[] = [
    ['has nothing in mind before it has read anything', () => readyMade(made())],
    ['reads all texts before it remembers one of them', () => ownAnswers(made())],
    ['makes what was read cost less when it comes again', () => noHelp(taught(made()), inBytes)],
    ['finds it in other tokens, too', () => noHelp(taught(made()), inLongerTokens())],
    ['gives no token a probability of 0, and all together at most 1', () => strangeShare(taught(made()))],
    ['costs at most 0.1 bits a byte where what it remembers is wrong', () => harm(made())],
    [
      'says what follows, how much of it is the same, and where it was read',
      () => strangeRecollection(made()),
    ],
    ['changes nothing by reading', () => changedByReading(taught(made()))],
    ['forgets what it is told to, every byte of it, and nothing else', () => wrongForgetting(made())],
    [
      'looks after what it keeps, where it does: what was read twice comes to mind as before',
      () => wrongUpkeep(taught(made())),
    ],
    ['goes on to the bit after its state was saved and restored, at any text', () => wrongResumption(made)],
    [
      'refuses a state that is not its own, and stays unchanged',
      () => {
        const recall = taught(made())
        return takenStates(
          (state) => recall.restore(state),
          () => recall.toState(),
        )
      },
    ],
    ['changes no weight of a learner, and is kept through its growth and in its state', () => life],
  ]
  return statements(name, promises)
}

/** A text by a model that expects nothing. */
function textOf(text: string | Int32Array, id = 0): ReadText {
  const tokens = typeof text === 'string' ? Int32Array.from(encoded(text)) : text
  return {
    tokens,
    losses: new Float64Array(tokens.length - 1).fill(nats),
    domain: 'made up',
    origin: { id, source: `source ${id % 2}`, domain: 'made up', at: 100 * id, trust: 1 },
  }
}

function taught(recall: Recall, times = 2): Recall {
  for (let time = 0; time < times; time++) {
    sentences.forEach((sentence, id) => recall.remember([textOf(sentence, id)], bytes))
  }
  return recall
}

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text)
const sumOf = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, b) => a + b, 0)
/** What of a sentence nobody could know who has not read it. */
const questionOf = (i: number): string => sentences[i].slice(0, sentences[i].indexOf(names[i]))

/** A text in the tokens of some spelling. */
interface Encoding {
  readonly spelling: Spelling
  encode(text: string): Int32Array
}

const inBytes: Encoding = { spelling: bytes, encode: (text) => Int32Array.from(encoded(text)) }

/** Some tokens are two bytes. */
function inLongerTokens(): Encoding {
  const merges = ['is', 'el', 'or', 'ee'].map((pair) => [...encoded(pair)] as [number, number])
  const tokenizer = new BytePairTokenizer({ merges })
  const spelling = spellingOf(tokenizer.vocabulary, tokenizer)
  return { spelling, encode: (text) => tokenizer.encode(text) }
}

function readyMade(recall: Recall): string | null {
  const recollection = recall.recollect(encoded(sentences[0]))
  if (recollection !== null) return `it had ${shown(recollection)}`
  const text = textOf(sentences[0])
  return isSame([...recall.read(text, bytes)], [...(text.losses as Float64Array)])
    ? null
    : 'it read as if it knew'
}

function ownAnswers(recall: Recall): string | null {
  const all = [...sentences, ...sentences].map((sentence, id) => textOf(sentence, id))
  const losses = recall.remember(all, bytes)
  if (losses.length !== all.length) return `it returned losses of ${losses.length} texts for ${all.length}`
  const strange = losses.findIndex((own, i) => !isSame([...own], [...(all[i].losses as Float64Array)]))
  return strange < 0 ? null : `text ${strange} cost what it cannot cost who has read nothing`
}

function noHelp(recall: Recall, { spelling, encode }: Encoding): string | null {
  for (const sentence of sentences) {
    const text = textOf(encode(sentence))
    const [alone, mixed] = [sumOf(text.losses), sumOf(recall.read(text, spelling))]
    if (!(mixed < 0.9 * alone)) return `"${sentence}" cost ${mixed} nats of ${alone}`
  }
  return null
}

/** Reads every token that could come next, after the same text. */
function strangeShare(recall: Recall): string | null {
  const before = encoded(questionOf(3))
  const shares = Array.from({ length: 256 }, (_, token) => {
    const text = textOf(Int32Array.of(...before, token))
    const losses = Float64Array.from(text.losses)
    losses[losses.length - 1] = Math.log(256)
    return Math.exp(-(recall.read({ ...text, losses }, bytes).at(-1) as number))
  })
  const total = sumOf(shares)
  if (!shares.every((share) => share > 0)) return 'one had none'
  return total <= 1 + 1e-9 ? null : `they came to ${total}`
}

/** The same questions, each time with another answer. */
function harm(recall: Recall): string | null {
  let [alone, mixed, length] = [0, 0, 0]
  for (let round = 0; round < 40; round++) {
    const question = encoded(questionOf(round % 8))
    const answer = String.fromCharCode(33 + ((round * 7) % 90)).repeat(3)
    const text = textOf(`${questionOf(round % 8)}${answer}`)
    const losses = Float64Array.from(text.losses, (loss, i) => (i < question.length - 1 ? 0.05 : loss))
    alone += sumOf(losses)
    mixed += sumOf(recall.remember([{ ...text, losses }], bytes)[0])
    length += losses.length
  }
  const bits = (mixed - alone) / length / Math.LN2
  return bits <= 0.1 ? null : `it cost ${bits} bits a byte`
}

function strangeRecollection(recall: Recall): string | null {
  taught(recall)
  for (const [id] of sentences.entries()) {
    const question = questionOf(id)
    const found = recall.recollect(encoded(question))
    if (found === null) return `nothing came to mind after "${question}"`
    const { bytes: own, matched, weight, spread, origin } = found
    const answer = encoded(sentences[id].slice(question.length))
    if (own.length === 0 || !isSame([...own], [...answer.subarray(0, own.length)]))
      return `${shown(own)} for "${question}"`
    if (!(matched >= 1 && matched <= encoded(question).length)) return `${matched} bytes the same`
    if (!(weight > 0 && weight < 1 && spread > 0 && spread <= 1)) return `weight ${weight}, spread ${spread}`
    if (origin?.id !== id) return `it named ${origin?.id} for experience ${id}`
  }
  return null
}

function changedByReading(recall: Recall): string | null {
  const before = copied(recall.toState())
  const text = textOf(`${sentences[0]} ${sentences[1]}`)
  const read = recall.read(text, bytes)
  recall.recollect(encoded(sentences[2]))
  if (!isSame(recall.toState(), before)) return 'its state was another'
  return isSame(recall.remember([text], bytes)[0], read)
    ? null
    : 'remembering the same returned something else'
}

function wrongForgetting(recall: Recall): string | null {
  taught(recall)
  const gone = recall.forget(({ source }) => source === 'source 1')
  if (!(gone > 0)) return `it let go of ${gone} bytes`
  const saved = textIn(recall.toState())
  for (const [id, name] of names.entries()) {
    const isThere = saved.includes(latin1(encoded(name)))
    if (isThere && id % 2 === 1) return `${name} is still in its state`
    if (!isThere && id % 2 === 0) return `${name} is gone, too`
  }
  return recall.forget(() => false) === 0 ? null : 'it forgot what nobody meant'
}

function wrongUpkeep(recall: Recall): string | null {
  const done = recall.upkeep?.() ?? null
  if (done !== null && !(done.after <= done.before)) return `it kept ${done.after} bytes of ${done.before}`
  const again = recall.upkeep?.() ?? null
  return again === null ? noHelp(recall, inBytes) : `it had something to do at once again: ${shown(again)}`
}

const latin1 = (own: Uint8Array): string => String.fromCharCode(...own)

/** All bytes and texts of a state. */
function textIn(state: unknown): string {
  if (typeof state === 'string') return latin1(encoded(state))
  if (typeof state !== 'object' || state === null) return ''
  if (ArrayBuffer.isView(state))
    return Array.from(state as Uint8Array, (byte) => String.fromCharCode(byte)).join('')
  return Object.values(state).map(textIn).join('\n')
}

function wrongResumption(make: () => Recall): string | null {
  const texts = [...sentences, ...sentences, ...sentences.toReversed()].map((one, id) => textOf(one, id))
  const whole = make()
  const losses = texts.map((text) => whole.remember([text], bytes)[0])
  for (const half of [0, 1, 9, texts.length - 1]) {
    const [first, resumed] = [make(), make()]
    for (const text of texts.slice(0, half)) first.remember([text], bytes)
    resumed.remember([textOf('what was before')], bytes)
    resumed.restore(copied(first.toState()))
    for (let i = half; i < texts.length; i++) {
      if (!isSame(resumed.remember([texts[i]], bytes)[0], losses[i])) return `text ${i} cost something else`
    }
    if (!isSame(resumed.toState(), whole.toState())) return `its state was another after text ${half}`
  }
  return null
}

const device = openReference()
const steps = 6

function learnerWith(recall: Recall | undefined): Learner {
  const model = Gpt.create(
    { vocabulary: 256, context: 24, embed: 4, heads: 1, layers: 1, mlpHidden: 4 },
    { device, seed: 3 },
  )
  return new Learner({ model, ...optionsWith(recall) })
}

const optionsWith = (recall: Recall | undefined) => ({
  optimizer: adamw({ learningRate: 0.01 }),
  strategy: {
    growth: growOnSchedule([
      { step: 2, request: { kind: 'widenMlp', block: 'b0', to: 6 } },
      { step: 3, request: { kind: 'addLayer', at: 1 } },
      { step: 4, request: { kind: 'widenEmbed', to: 6 } },
    ]),
    ...(recall && { recall }),
  },
})

async function lived(learner: Learner, from: number, to: number): Promise<LearnerState> {
  for (let step = from; step < to; step++) {
    await learner.observe(batchOfTokens(encoded(sentences[step % 3]), 24, 'made up'))
  }
  return copied(await learner.toState()) as LearnerState
}

async function wrongLife(make: () => Recall): Promise<string | null> {
  const learner = learnerWith(make())
  const without = await lived(learnerWith(undefined), 0, steps)
  const half = await lived(learner, 0, 3)
  const whole = await lived(learner, 3, steps)
  if (!isSame(whole.model.weights, without.model.weights)) return 'the weights were others than without it'
  const resumed = Learner.fromState(half, { device, ...optionsWith(make()) })
  if (!isSame((await lived(resumed, 3, steps)).parts, whole.parts))
    return 'what parts keep was other when resumed'
  const { recalled = [] } = await learner.predict(questionOf(1))
  return recalled.some(({ bytes: own }) => names[1].startsWith(own[0]))
    ? null
    : 'it had forgotten what it read'
}
