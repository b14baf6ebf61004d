/** Sinks: what they write is what came, in order, and a full disk costs records and nothing else. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  callbackSink,
  consoleSink,
  csvSink,
  jsonlSink,
  Learner,
  recordOf,
  type Sink,
  SinkError,
  type SinkOutput,
  type SinkRecord,
  tensorboardSink,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { expect, onTestFinished, test } from 'vitest'
import { plainSgd, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'

const record = (step: number, scalars: SinkRecord['scalars'] = { loss: 1 / step }): SinkRecord => ({
  ...{ step, scalars },
  events: step % 2 === 0 ? [drift(step)] : [],
})
const drift = (step: number) =>
  ({ kind: 'drift', step, part: 'x', summary: `changed, "so" much`, data: { bitsPerByte: 3 } }) as const

/** Keeps what is written, as text. */
function kept(): SinkOutput & { text: string; calls: string[] } {
  const decoder = new TextDecoder()
  return {
    text: '',
    calls: [],
    write(bytes) {
      this.text += decoder.decode(bytes)
    },
    flush() {
      this.calls.push('flush')
    },
    close() {
      this.calls.push('close')
    },
  }
}

const kinds: Readonly<Record<string, (output: SinkOutput) => Sink>> = {
  csv: csvSink,
  jsonl: jsonlSink,
  tensorboard: tensorboardSink,
  callback: (output) => callbackSink(({ step }) => output.write(Uint8Array.of(step))),
  console: (output) => consoleSink((line) => output.write(new TextEncoder().encode(line)), { every: 1 }),
}

test('a table has a line of names, then one for each record, with events and gaps', async () => {
  const output = kept()
  const sink = csvSink(output)
  await sink.write(record(1, { loss: 0.5, 'penalty/online EWC, 1': 2 }))
  await sink.write(record(2, { loss: Infinity }))
  expect(output.text).toBe(
    'step,loss,"penalty/online EWC, 1",events\r\n1,0.5,2,\r\n2,Infinity,,"changed, ""so"" much"\r\n',
  )
  await expect(sink.write(record(3, { other: 1 }))).rejects.toThrow(/a number called 'other' in step 3/)
  await sink.write(record(4, { loss: 3 }))
  expect(output.text.split('\r\n')).toHaveLength(5)
})

test('a table that goes on has no second line of names', async () => {
  const output = kept()
  await csvSink(output, { columns: ['b', 'a'] }).write(record(7, { a: 1, b: 2 }))
  expect(output.text).toBe('7,2,1,\r\n')
})

test('lines of JSON can be read back', async () => {
  const output = kept()
  const sink = jsonlSink(output)
  for (const step of [1, 2]) await sink.write(record(step))
  await sink.write(record(3, { loss: Number.NaN }))
  expect(
    output.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([
    { step: 1, loss: 1, events: [] },
    { step: 2, loss: 0.5, events: [drift(2)] },
    { step: 3, loss: null, events: [] },
  ])
})

test('lines for people come every so many records, and events always', async () => {
  const lines: string[] = []
  const sink = consoleSink((line) => lines.push(line), { every: 3, scalars: ['b', 'missing'] })
  for (let step = 1; step <= 4; step++) await sink.write(record(step, { a: 1, b: step / 3 }))
  expect(lines).toEqual([
    'step 1  b 0.33333',
    'step 2  ~ changed, "so" much',
    'step 4  ~ changed, "so" much',
    'step 4  b 1.3333',
  ])
})

test('a callback gets each record once the one before is done', async () => {
  const seen: string[] = []
  const sink = callbackSink(async ({ step }) => {
    seen.push(`begins ${step}`)
    await new Promise((resolve) => setImmediate(resolve))
    seen.push(`ends ${step}`)
  })
  await Promise.all([1, 2, 3].map((step) => sink.write(record(step))))
  expect(seen).toEqual(['begins 1', 'ends 1', 'begins 2', 'ends 2', 'begins 3', 'ends 3'])
})

test.each(Object.entries(kinds))('%s: who awaits a write waits for the output', async (_, make) => {
  let release = (): void => {}
  const waiting = new Promise<void>((resolve) => (release = resolve))
  const written: number[] = []
  const sink = make({
    async write(bytes) {
      await waiting
      written.push(bytes.length)
    },
  })
  // A line is printed and not waited for.
  if (sink.name === 'consoleSink') return
  let isDone = false
  const done = sink.write(record(1)).then(() => (isDone = true))
  const flushed = sink.flush()
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)
  release()
  await done
  await flushed
  expect(written).toHaveLength(1)
})

test.each(Object.entries(kinds))(
  '%s: a full disk is a SinkError, for every later record too',
  async (_, make) => {
    let room = 2
    const closed: string[] = []
    const sink = make({
      write() {
        if (room-- <= 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      },
      close: () => closed.push('closed'),
    })
    await sink.write(record(1))
    await sink.write(record(3))
    for (const step of [5, 7]) {
      const error: unknown = await sink.write(record(step)).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(SinkError)
      expect((error as Error).message).toMatch(/cannot write after 2 records \(ENOSPC\)/)
    }
    await expect(sink.flush()).rejects.toThrow(SinkError)
    await expect(sink.close()).rejects.toThrow(/ENOSPC/)
    // A callback and a printer have nothing to close.
    if (!['callbackSink', 'consoleSink'].includes(sink.name)) expect(closed).toEqual(['closed'])
  },
)

test('flush and close reach the output once all is written, and nothing is taken after that', async () => {
  const output = kept()
  const sink = jsonlSink(output)
  const writes = [1, 3].map((step) => sink.write(record(step)))
  const flushed = sink.flush()
  expect(output.calls).toEqual([])
  await flushed
  await Promise.all(writes)
  expect(output.text.split('\n')).toHaveLength(3)
  await sink.close()
  await sink.close()
  expect(output.calls).toEqual(['flush', 'close'])
  await expect(sink.write(record(5))).rejects.toThrow(/after close/)
  await expect(sink.flush()).rejects.toThrow(SinkError)
})

test('what cannot be closed is an error, if nothing else was', async () => {
  const sink = csvSink({
    write() {},
    close() {
      throw new Error('gone')
    },
  })
  await expect(sink.close()).rejects.toThrow(/cannot close after 0 records \(gone\)/)
})

test('a full disk behind a learner costs records, and the learner goes on to the same weights', async () => {
  const run = async (sink: Sink) => {
    const learner = new Learner({ model: tinyModel(), optimizer: plainSgd() })
    let lost = 0
    for (let i = 0; i < 5; i++) {
      const report = await learner.observe(rowsOf(row(i)))
      await sink.write(recordOf(report)).catch((error: unknown) => {
        if (!(error instanceof SinkError)) throw error
        lost++
      })
    }
    return { lost, state: await learner.toState() }
  }
  const full = await run(csvSink({ write: () => Promise.reject(new Error('full')) }))
  const free = await run(csvSink(kept()))
  expect([full.lost, free.lost]).toEqual([5, 0])
  expect(full.state).toEqual(free.state)
})

test.skipIf(!existsSync('/dev/full'))('a real full device says so', async () => {
  const file = await open('/dev/full', 'a')
  const sink = csvSink({ write: (bytes) => file.appendFile(bytes), close: () => file.close() })
  await expect(sink.write(record(1))).rejects.toThrow(/csvSink: cannot write after 0 records \(ENOSPC\)/)
  await expect(sink.close()).rejects.toThrow(SinkError)
})

test('a file takes what a learner reports, penalties by name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-sinks-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = await open(join(folder, 'run.csv'), 'a')
  const sink = csvSink({
    write: (bytes) => file.appendFile(bytes),
    flush: () => file.sync(),
    close: () => file.close(),
  })
  const learner = new Learner({ model: tinyModel(), optimizer: plainSgd() })
  const report = { ...(await learner.observe(rowsOf(row(1)))), penalties: { 'online EWC': 0.25 } }
  await sink.write(recordOf(report))
  await sink.flush()
  await sink.close()
  const [names, values] = readFileSync(join(folder, 'run.csv'), 'utf8').split('\r\n')
  const read = Object.fromEntries(names.split(',').map((name, i) => [name, values.split(',')[i]]))
  expect(read).toEqual({
    step: '1',
    loss: String(report.loss),
    bitsPerByte: String(report.bitsPerByte),
    tokens: '4',
    bytes: String(report.bytes),
    rehearsedRows: '0',
    gradientNorm: String(report.gradientNorm),
    updateNorm: String(report.updateNorm),
    parameters: String(report.parameters),
    'penalty/online EWC': '0.25',
    events: '',
  })
})

test('what is no output, no function or no option is refused', () => {
  for (const make of [csvSink, jsonlSink, tensorboardSink])
    expect(() => make({} as SinkOutput)).toThrow(OptionError)
  expect(() => consoleSink(null as never)).toThrow(OptionError)
  expect(() => callbackSink({} as never)).toThrow(OptionError)
  expect(() => consoleSink(() => {}, { every: 0 })).toThrow(OptionError)
})
