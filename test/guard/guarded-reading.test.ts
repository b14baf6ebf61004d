/** Files of a guarded life: judged in pieces, each once, and to the same batches wherever it is killed. Reaches inside. */
import fc from 'fast-check'
import { buildLearner, type LifeSettings } from 'burgeon/session'
import { expect, test } from 'vitest'
import { GuardedReading } from '../../packages/burgeon/src/session/source/guarded-reading.ts'
import { piecesOf } from '../../packages/burgeon/src/session/source/judged-pieces.ts'
import type { SourceChunk } from '../../packages/burgeon/src/sources/read-files.ts'
import { times } from '../how-long.ts'
import { servedLife } from '../server/small-served.ts'
import { englishOf } from './made-up-english.ts'

const settings: LifeSettings = { ...servedLife, rows: 2 }
const life = { learner: buildLearner(settings), settings }

const utf8 = new TextEncoder()
/** Three files; lines of the second hold secrets, the third is not trusted. */
const texts = [englishOf(1, 900), `${englishOf(2, 30)} secret\n`.repeat(60), englishOf(3, 900)].map((text) =>
  utf8.encode(text),
)

/** The files from a place on, in chunks of so many bytes. */
async function* chunks(size: number, from = { file: 'f0', offset: 0 }): AsyncGenerator<SourceChunk> {
  for (let n = Number(from.file.slice(1)); n < texts.length; n++) {
    for (let at = n === Number(from.file.slice(1)) ? from.offset : 0; at < texts[n].length; at += size) {
      yield {
        domain: 'text',
        bytes: texts[n].subarray(at, at + size),
        position: { file: `f${n}`, offset: at, pass: 0 },
      }
    }
  }
}

/** Redacts, refuses and distrusts; `judged` are the texts that it was asked about. */
function gate(judged: string[]) {
  return {
    isGuarded: true,
    async admit({ text, source }: { text: string; source: string }) {
      judged.push(text)
      await Promise.resolve()
      const own = {
        text: text.replaceAll('secret', '[…]'),
        trust: source === 'f2' ? 0.5 : 1,
        reasons: [],
        by: null,
      }
      if (text.includes('minds')) return { ...own, verdict: 'refuse' as const, text: '' }
      return { ...own, verdict: own.text === text ? ('learn' as const) : ('redact' as const) }
    },
  }
}

interface Read {
  readonly tokens: number[]
  readonly origins: unknown
}

/** Batches up to so many, and what a checkpoint would hold then. */
async function read(reading: GuardedReading, source: AsyncIterable<SourceChunk>, most = Infinity) {
  const batches: Read[] = []
  let last: { file: string; offset: number; pass?: number } | null = null
  for await (const { batch, position } of reading.batches(life, source, true, () => {})) {
    batches.push({ tokens: [...batch.tokens], origins: batch.origins })
    last = position
    if (batches.length === most) break
  }
  return { batches, saved: reading.saved(last) }
}

test('wherever it is killed, the same batches come, and nothing is judged twice', async () => {
  const whole: string[] = []
  const { batches } = await read(new GuardedReading(gate(whole), []), chunks(65_536))
  expect(batches.length).toBeGreaterThan(50)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: batches.length - 1 }),
      fc.integer({ min: 100, max: 9000 }),
      async (most, size) => {
        const judged: string[] = []
        const first = await read(new GuardedReading(gate(judged), []), chunks(size), most)
        const { end, waiting } = JSON.parse(JSON.stringify(first.saved)) as typeof first.saved
        const rest = await read(new GuardedReading(gate(judged), waiting), chunks(size, end ?? undefined))
        expect([...first.batches, ...rest.batches]).toEqual(batches)
        expect(judged).toEqual(whole)
      },
    ),
    { numRuns: times(12, 100) },
  )
})

test('what is learnt is what was let in, and each row says how far it is trusted', async () => {
  const { batches } = await read(new GuardedReading(gate([]), []), chunks(65_536))
  const origins = batches.flatMap((batch) => batch.origins as { source: string; trust: number }[])
  expect(new Set(origins.map(({ source, trust }) => `${source} ${trust}`))).toEqual(
    new Set(['f0 1', 'f1 1', 'f2 0.5']),
  )
  const text = new TextDecoder().decode(
    Uint8Array.from(batches.flatMap(({ tokens }) => tokens.filter((t) => t >= 0))),
  )
  expect(text).not.toContain('secret')
  expect(text).toContain('[…]')
})

test('pieces end at lines, join to the text, and cut no character', async () => {
  const long = utf8.encode(`${'ä'.repeat(5000)}\n${'a line\n'.repeat(2000)}`)
  const source = async function* (): AsyncGenerator<SourceChunk> {
    for (let at = 0; at < long.length; at += 999)
      yield { domain: 'd', bytes: long.subarray(at, at + 999), position: { file: 'f', offset: at, pass: 0 } }
  }
  for (const isPatient of [true, false]) {
    const pieces: Uint8Array[] = []
    for await (const { bytes } of piecesOf(source(), isPatient)) pieces.push(bytes)
    expect(Buffer.concat(pieces).equals(long)).toBe(true)
    for (const piece of pieces) {
      expect(piece.length).toBeLessThanOrEqual(4096)
      expect(() => new TextDecoder('utf-8', { fatal: true }).decode(piece)).not.toThrow()
    }
    expect(pieces.slice(5, -1).every((piece) => piece.at(-1) === 10)).toBe(true)
  }
})
