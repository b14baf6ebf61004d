/**
 * The numbers of a life in files: each step once, in order, whatever happens to the process. Reaches inside:
 * where the records of a run end is asked of no entry point.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonlSink, tensorboardSink } from '@burgeon/continual'
import fc from 'fast-check'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { eventsUpTo, linesUpTo } from '../../packages/burgeon/src/session/sinks/records-up-to.ts'
import { times } from '../how-long.ts'
import { running } from './running.ts'
import { written } from './small-checkout.ts'
import { called, folderWithLife, smallText } from './small-life.ts'

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1)

const stepsInLines = (file: string): number[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { step: number }).step)

/** Steps of all event files of a folder, by their names. */
function stepsInEvents(folder: string): number[] {
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const file = readFileSync(join(folder, name))
      const steps: number[] = []
      for (let at = 0; at < file.length; at += Number(file.readBigUInt64LE(at)) + 16) {
        // Behind the time in nine bytes stands the number of the step, of a record with numbers.
        if (file[at + 21] === 0x10)
          steps.push((file[at + 22] & 127) + (file[at + 22] > 127 ? file[at + 23] * 128 : 0))
      }
      return steps
    })
}

/** Goes on with the small life of a folder, and writes its numbers into both. */
const learn = (folder: string, file: string, ...more: readonly string[]) =>
  called([
    ...['learn', join(folder, file), '--resume', '--out', join(folder, 'life')],
    ...['--jsonl', join(folder, 'runs/life.jsonl'), '--tensorboard', join(folder, 'runs/board'), ...more],
  ])

const stepOf = async (folder: string): Promise<number> =>
  (await loadLife(nodeDisk(join(folder, 'life')))).learner.step

describe('a run that is resumed', () => {
  test('goes on in its files; of steps that were never saved nothing stays', async () => {
    const folder = await folderWithLife({ 'a.txt': smallText(20), 'b.txt': smallText(30) })
    const first = await learn(folder, 'a.txt', '--json')
    expect(first.code).toBe(0)
    const step = await stepOf(folder)
    const lines = join(folder, 'runs/life.jsonl')
    const board = join(folder, 'runs/board')
    expect(stepsInLines(lines)).toEqual(upTo(step))
    expect(stepsInEvents(board)).toEqual(upTo(step))
    const shown = first.output
      .trimEnd()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object)
    const kept = readFileSync(lines, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(shown).toEqual(kept.map((line) => ({ kind: 'step', ...line })))
    // What a process leaves that was killed after its last checkpoint: steps that are learnt anew, and half a line.
    const [event] = readdirSync(board)
    const events = readFileSync(join(board, event))
    appendFileSync(lines, `{"step":${step + 1},"loss":1,"events":[]}\n{"step":${step + 2},"lo`)
    appendFileSync(join(board, event), Buffer.concat([lastRecord(events, step + 1), events.subarray(0, 30)]))
    const { code, status } = await learn(folder, 'b.txt')
    expect(code).toBe(0)
    expect(status).toMatch(/life\.jsonl: \d+ B after step \d+, which was saved last, are written anew/)
    const now = await stepOf(folder)
    expect(now).toBeGreaterThan(step + 2)
    expect(stepsInLines(lines)).toEqual(upTo(now))
    expect(readdirSync(board)).toHaveLength(2)
    expect(stepsInEvents(board)).toEqual(upTo(now))
  })

  test('has every step once after a kill at any moment', async () => {
    for (let trial = 0; trial < times(1, 10, 20); trial++) {
      const folder = await folderWithLife({ 'a.txt': smallText(3000) })
      const lines = join(folder, 'runs.jsonl')
      const args = ['learn', 'a.txt', '--resume', '--jsonl', 'runs.jsonl', '--tensorboard', 'board']
      const killed = running(args, folder)
      const reached = 40 + 60 * trial
      await expect
        .poll(() => (existsSync(lines) ? readFileSync(lines, 'utf8').split('\n').length : 0))
        .toBeGreaterThan(reached)
      killed.child.kill('SIGKILL')
      await killed.ended
      const resumed = running(args, folder)
      await resumed.says('status', /written anew[^]*bits\/byte/)
      resumed.child.kill('SIGINT')
      expect(await resumed.ended, resumed.said.status).toBe(0)
      const step = await stepOf(folder)
      expect(stepsInLines(lines)).toEqual(upTo(step))
      expect(stepsInEvents(join(folder, 'board')).length).toBe(step)
    }
  })
})

/** The last record of an event file, with another step. */
function lastRecord(file: Buffer, step: number): Buffer {
  let at = 0
  for (let next = 0; next < file.length; next += Number(file.readBigUInt64LE(next)) + 16) at = next
  const record = Buffer.from(file.subarray(at))
  record[22] = step
  return record
}

describe('where records end', () => {
  const reports = upTo(40).map((step) => ({ step: 10 * step, scalars: { loss: 1 / step }, events: [] }))

  test.each([
    ['jsonl', jsonlSink, linesUpTo],
    ['tensorboard', tensorboardSink, eventsUpTo],
  ] as const)('is found in a %s file that is cut anywhere', async (name, sinkOf, endOf) => {
    const pieces: Uint8Array[] = []
    const sink = sinkOf({ write: (bytes: Uint8Array) => pieces.push(bytes) })
    for (const report of reports) await sink.write(report)
    const file = join(await written([]), name)
    const whole = Buffer.concat(pieces)
    const ends = pieces.map((_, i) => Buffer.concat(pieces.slice(0, i + 1)).length)
    fc.assert(
      fc.property(fc.nat(whole.length), fc.integer({ min: 0, max: 420 }), (size, step) => {
        writeFileSync(file, whole.subarray(0, size))
        const { bytes, size: all } = endOf(file, step)
        expect(all).toBe(size)
        const known = ends.filter((end, i) => end <= size && reports[i].step <= step).at(-1) ?? 0
        // An event file begins with a record about itself, which belongs to no step.
        expect(known === 0 ? bytes < ends[0] : bytes === known).toBe(true)
      }),
      { numRuns: times(100, 1000) },
    )
  })
})

describe('files of others', () => {
  test('are refused and stay as they are', async () => {
    const folder = await folderWithLife({
      'a.txt': smallText(4),
      'notes.md': 'My own notes.',
      'two.csv': 'a\nb\n',
    })
    for (const name of ['notes.md', 'two.csv']) {
      const before = readFileSync(join(folder, name), 'utf8')
      const learning = called([
        ...['learn', join(folder, 'a.txt'), '--resume', '--out', join(folder, 'life')],
        ...['--jsonl', join(folder, name)],
      ])
      await expect(learning).rejects.toThrow(/holds lines that are no records of a run/)
      expect(readFileSync(join(folder, name), 'utf8')).toBe(before)
    }
    const inFile = called([
      ...['learn', join(folder, 'a.txt'), '--resume', '--out', join(folder, 'life')],
      ...['--tensorboard', join(folder, 'notes.md/board')],
    ])
    await expect(inFile).rejects.toThrow(/learn: cannot write .*board \(E\w+\)/)
  })

  test('a new life takes no files that hold a run already', async () => {
    const folder = await written([['a.txt', smallText(4)]])
    mkdirSync(join(folder, 'board'))
    writeFileSync(join(folder, 'run.jsonl'), '{"step":1}\n')
    writeFileSync(join(folder, 'board/events.out.tfevents.1700000000.burgeon'), '')
    for (const [option, place] of [
      ['--jsonl', 'run.jsonl'],
      ['--tensorboard', 'board'],
    ]) {
      const learning = called([
        ...['learn', join(folder, 'a.txt'), '--out', join(folder, 'life'), option, join(folder, place)],
      ])
      await expect(learning).rejects.toThrow(`holds the numbers of another run; expected another ${option}`)
    }
    expect(existsSync(join(folder, 'life'))).toBe(false)
  })
})

describe.skipIf(!existsSync('/dev/full'))('a full disk', () => {
  test('is said once, ends no learning, and is the exit code', async () => {
    const folder = await folderWithLife({ 'a.txt': smallText(20) })
    const { code, status } = await called([
      ...['learn', join(folder, 'a.txt'), '--resume', '--out', join(folder, 'life')],
      ...['--jsonl', '/dev/full', '--tensorboard', join(folder, 'board')],
    ])
    expect(code).toBe(1)
    expect(status.match(/ENOSPC/g)).toHaveLength(1)
    expect(status).toContain('/dev/full: jsonlSink: cannot write after 0 records (ENOSPC)')
    expect(await stepOf(folder)).toBeGreaterThan(10)
    expect(stepsInEvents(join(folder, 'board'))).toEqual(upTo(await stepOf(folder)))
  })
})

test('a server writes what it is taught and what it reads into one file, in order', async () => {
  const folder = await folderWithLife()
  mkdirSync(join(folder, 'notes'))
  writeFileSync(join(folder, 'notes/a.txt'), smallText(200))
  const serve = running(
    ['serve', '--learn', 'notes', '--port', '0', '--json', '--jsonl', 'run.jsonl', '--tensorboard', 'board'],
    folder,
  )
  await serve.says('output', /"kind":"listening"/)
  const { url } = JSON.parse(serve.said.output) as { url: string }
  for (let lesson = 0; lesson < 3; lesson++) {
    const body = JSON.stringify({ text: Buffer.from(smallText(5)).toString() })
    const taught = await fetch(`${url}/v1/learn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(taught.status).toBe(200)
  }
  serve.child.kill('SIGTERM')
  expect(await serve.ended).toBe(143)
  const step = await stepOf(folder)
  expect(step).toBeGreaterThan(10)
  expect(stepsInLines(join(folder, 'run.jsonl'))).toEqual(upTo(step))
  expect(stepsInEvents(join(folder, 'board')).length).toBe(step)
  expect(
    serve.said.output
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind),
  ).toEqual([...['listening', 'ended']])
  const readOnly = running(['serve', '--read-only', '--port', '0', '--jsonl', 'other.jsonl'], folder)
  expect(await readOnly.ended).toBe(1)
  expect(readOnly.said.status).toMatch(/got --jsonl for life, which does not learn here/)
})
