/**
 * A stream of six segments that a learner has to steer through: a language, another one, the first again, noise,
 * facts that are told once, and a text of another time. Every byte comes once, so what is held back is never learnt
 * elsewhere.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchOfTokens, type TokenBatch } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { UsageError } from '../benchmark.ts'

/** One part of the stream. */
export interface Segment {
  readonly name: string
  /** What its rows are of: the first segment and the third are of one domain. */
  readonly domain: string
  /** The rows of a step, counted from 0 within the segment. */
  batchAt(step: number): TokenBatch
}

/** The stream, and what it is judged by. */
export interface SegmentedStream {
  readonly segments: readonly Segment[]
  /** Text of each domain that no segment has. Noise has none: there is nothing to know. */
  readonly heldOut: Readonly<Record<string, Uint8Array>>
}

/** Sizes of the stream. */
export interface SegmentOptions {
  /** Names where it begins in each text, and what is drawn. */
  readonly seed: number
  readonly rows: number
  readonly length: number
  /** Steps of each segment. */
  readonly steps: number
  /**
   * `reported`: English, German, English again, noise, facts, Shakespeare. `tuning`, for the choice of settings:
   * Shakespeare, French, Shakespeare again, noise, other facts, English.
   */
  readonly stream: 'reported' | 'tuning'
}

const heldOutBytes = 4096
const files = {
  English: 'genesis-english-web.txt',
  German: 'genesis-german.txt',
  French: 'genesis-french.txt',
  Shakespeare: 'tinyshakespeare.txt',
} as const
type Language = keyof typeof files

/**
 * Reads the stream.
 *
 * @param who Name of the benchmark, for the message.
 * @throws UsageError without a folder that has the texts.
 */
export function segmentedStream(
  who: string,
  data: string | undefined,
  { seed, rows, length, steps, stream }: SegmentOptions,
): SegmentedStream {
  const [first, second, last]: readonly Language[] =
    stream === 'reported' ? ['English', 'German', 'Shakespeare'] : ['Shakespeare', 'French', 'English']
  const perStep = rows * length
  const random = new RandomStream(keyFromSeed(seed)).named(stream)
  const texts = Object.fromEntries(
    [first, second, last].map((language) => [language, textOf(who, data, language)]),
  )
  const segment = (
    name: string,
    domain: string,
    bytesAt: (from: number) => number,
    from: number,
  ): Segment => ({
    ...{ name, domain },
    batchAt(step) {
      const start = from + step * perStep
      const bytes = Int32Array.from({ length: perStep + 1 }, (_, i) => bytesAt(start + i))
      return batchOfTokens(bytes, length, domain)
    },
  })
  const read = (language: Language, name: string = language, before = 0): Segment => {
    const train = texts[language].subarray(0, -heldOutBytes)
    const begin = random.named(`begin of ${language}`).below(train.length)
    return segment(name, language, (at) => train[(begin + at) % train.length], before)
  }
  const noise = Uint8Array.from({ length: steps * perStep + 1 }, () => random.below(256))
  const facts = factsOf(random.named('facts'), steps * perStep + heldOutBytes + 1)
  const segments = [
    read(first),
    read(second),
    read(first, `${first} again`, steps * perStep),
    segment('noise', 'noise', (at) => noise[at], 0),
    segment('facts', 'facts', (at) => facts[heldOutBytes + at], 0),
    read(last),
  ]
  const heldOut = { ...texts, facts: facts.subarray(0, heldOutBytes) }
  return {
    segments,
    heldOut: Object.fromEntries(
      Object.entries(heldOut).map(([domain, text]) => [domain, text.subarray(-heldOutBytes)]),
    ),
  }
}

const syllables = [
  'ba',
  'den',
  'fir',
  'go',
  'hul',
  'ka',
  'lor',
  'mi',
  'nes',
  'po',
  'rut',
  'sa',
  'ti',
  'vo',
  'wen',
]

/** Lines that each tell the number of somebody, and none of them again. */
function factsOf(random: RandomStream, bytes: number): Uint8Array {
  let text = ''
  const syllable = (): string => syllables[random.below(syllables.length)]
  while (text.length < bytes) {
    const name = `${syllable()}${syllable()}${syllable()}`
    text += `${name[0].toUpperCase()}${name.slice(1)} has the number ${10_000 + random.below(90_000)}.\n`
  }
  return new TextEncoder().encode(text)
}

function textOf(who: string, data: string | undefined, language: Language): Uint8Array {
  if (data === undefined) throw new UsageError(`${who}: got no --data DIR; expected a folder with texts.`)
  const path = join(data, files[language])
  if (existsSync(path)) return new Uint8Array(readFileSync(path))
  throw new UsageError(`${who}: got no ${path}; expected the text there.`)
}
