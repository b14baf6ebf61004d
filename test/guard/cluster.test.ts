/** A cluster as a way in: what a guard or a policy refuses is in no log, at no broker and in no folder. Reaches inside. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { natsSeams } from '@burgeon/cluster/nats'
import { loadLife } from 'burgeon/session'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cutRecords } from '../../packages/burgeon/src/session/cluster/cut-records.ts'
import { JudgedRecords } from '../../packages/burgeon/src/session/cluster/judged-records.ts'
import type { Gate } from '../../packages/burgeon/src/session/guard/gate.ts'
import type { JudgedText } from '../../packages/burgeon/src/session/life/life-origin.ts'
import type { SourceChunk } from '../../packages/burgeon/src/sources/read-files.ts'
import { hasNats, type NatsServer, natsServer } from '../cluster/nats-server.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { type Running, running } from '../front-door/running.ts'
import { called } from '../front-door/small-life.ts'

const canary = 'zebra-4711-omega'
const secret = `My password is ${canary} and nobody knows it. `.repeat(60)
const harmless = 'It rained all day, and nobody minded. '.repeat(120)

/** All bytes of all files of a folder. */
function bytesOf(folder: string): Buffer {
  const found = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((each) => each.isFile())
  return Buffer.concat(found.map(({ parentPath, name }) => readFileSync(join(parentPath, name))))
}

interface Lived {
  readonly server: NatsServer
  readonly folder: string
  readonly life: string
  readonly said: string
  readonly summary: Record<string, unknown>
  readonly again: (...more: readonly string[]) => Promise<string>
}

/** Two files learnt by a cluster with one worker, which is told to end. */
async function lived(rules: Readonly<Record<string, object>>, text: string = secret): Promise<Lived> {
  const [folder, server] = [temporaryFolder(), await natsServer()]
  mkdirSync(join(folder, 'notes'))
  writeFileSync(join(folder, 'notes', 'secret.txt'), text)
  writeFileSync(join(folder, 'notes', 'good.txt'), harmless)
  const flags = Object.entries(rules).flatMap(([name, own]) => {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(own))
    return [`--${name}`, `${name}.json`]
  })
  const of = (what: string, ...more: readonly string[]): Running =>
    running(['cluster', what, ...more, '--name', 'notes', '--broker', server.address, '--json'], folder)
  const worker = of('join', '--as', 'a')
  const start = of('start', 'notes', '--local-steps', '8', ...flags)
  expect(await start.ended, start.said.status).toBe(0)
  worker.child.kill('SIGTERM')
  await worker.ended
  const last = start.said.output.trim().split('\n').at(-1) ?? ''
  return {
    ...{ server, folder, life: join(folder, 'life') },
    said: [start, worker].map((each) => each.said.output + each.said.status).join('\n'),
    summary: JSON.parse(last) as Record<string, unknown>,
    async again(...more) {
      const next = of('start', 'notes', ...more)
      await next.ended
      return next.said.status
    },
  }
}

const refusing = { provenance: { sources: { 'good.txt': 1 }, unknown: 'refuse' } }

describe.skipIf(!hasNats)('a cluster', () => {
  test('what a guard refuses is at no broker, in no folder and in no word that is said', async () => {
    const { server, folder, life, said, summary, again } = await lived({ guard: refusing })
    const decisions = [{ by: 'provenance', verdict: 'refuse', reasons: ['unknown source'] }]
    expect(summary).toMatchObject({ done: true, guard: { decisions } })
    expect(said).toContain('text: refuse, unknown source')
    expect(said).not.toContain(canary)
    expect(bytesOf(server.store).includes(canary)).toBe(false)
    expect(bytesOf(server.store).includes('nobody minded')).toBe(true)
    for (const own of ['life', 'worker-a']) expect(bytesOf(join(folder, own)).includes(canary)).toBe(false)
    // The life keeps the guard and its account, and learns on under it.
    const { learner, settings } = await loadLife(nodeDisk(life))
    expect(settings.guard).toEqual(refusing)
    expect(learner.door.summary.decisions).toMatchObject(decisions)
    expect(learner.step).toBe(summary.learnt)
    writeFileSync(join(folder, 'other.json'), '{ "personalData": {} }')
    expect(await again('--guard', 'other.json')).toMatch(
      /got --guard with others than those that the cluster notes was begun with/,
    )
    // With the same it goes on, and judges nothing twice.
    expect(await again('--guard', 'guard.json')).toContain('The cluster notes goes on after')
    const account = (await loadLife(nodeDisk(life))).learner.door.summary
    expect(account).toEqual(learner.door.summary)
  })

  test('without one it is at the broker and in the folder of a worker: what is looked for would be found', async () => {
    const { server, folder, summary } = await lived({})
    expect(summary.guard).toBeNull()
    expect(bytesOf(server.store).includes(canary)).toBe(true)
    expect(bytesOf(join(folder, 'worker-a')).includes('4711')).toBe(true)
  })

  test('what a policy redacts is dealt out redacted, and the life is held to it', async () => {
    const policy = { learn: { personalData: 'redact' }, say: { phrases: ['rain'] } }
    const text = 'Write to anna@example.org, she knows. '.repeat(200)
    const { server, life, summary } = await lived({ policy }, text)
    expect(summary).toMatchObject({ guard: { decisions: [{ by: 'personalData', verdict: 'redact' }] } })
    const { place, close } = await natsSeams('notes', { servers: server.address })
    onTestFinished(() => close())
    let all = ''
    for await (const { payload } of place.records.read(1)) all += new TextDecoder().decode(payload)
    expect(all).toContain('Write to [email], she knows.')
    expect(all).not.toContain('@')
    expect(bytesOf(server.store).includes('anna@example.org')).toBe(false)
    expect((await loadLife(nodeDisk(life))).settings.policy?.rules).toEqual(policy)
  })
})

test.each([
  [{ novelRepetition: {} }, 'the guard novelRepetition, which judges by how far text is trusted'],
  [{ sourceShare: {} }, 'the guard sourceShare, which judges by how far text is trusted'],
  [{ ownOutput: {} }, 'the guard ownOutput, which judges by what the model has written'],
  [{ provenance: {} }, 'provenance with a trust of 0.2 for unknown'],
  [
    { provenance: { sources: { a: 0.5 }, unknown: 'refuse' } },
    'provenance with a trust of 0.5 for a, which records of a cluster do not say',
  ],
])('what a cluster cannot keep is refused by name before anything begins: %j', async (guard, says) => {
  const folder = temporaryFolder()
  const [file, text] = [join(folder, 'guard.json'), join(folder, 'a.txt')]
  writeFileSync(file, JSON.stringify(guard))
  writeFileSync(text, harmless)
  const args = ['cluster', 'start', text, '--name', 'a', '--guard', file, '--out', join(folder, 'life')]
  await expect(called(args)).rejects.toThrow(says)
  expect(existsSync(join(folder, 'life', 'checkpoint.json'))).toBe(false)
})

const utf8 = new TextEncoder()
const texts = [harmless, `${'rain '.repeat(90)}secret\n`.repeat(20), `${harmless}ö`].map((text) =>
  utf8.encode(text),
)

async function* chunks(from = { file: 'f0', offset: 0, pass: 0 }): AsyncGenerator<SourceChunk> {
  await Promise.resolve()
  for (let n = Number(from.file.slice(1)); n < texts.length; n++) {
    const start = n === Number(from.file.slice(1)) ? from.offset : 0
    for (let at = start; at < texts[n].length; at += 700) {
      const position = { file: `f${n}`, offset: at, pass: 0 }
      yield { domain: 'text', bytes: texts[n].subarray(at, at + 700), position }
    }
  }
}

test('wherever it is stopped, the records are the same, each once, and no piece is judged twice', async () => {
  const judged: string[] = []
  const gate: Gate = {
    isGuarded: true,
    async admit({ text }) {
      judged.push(text)
      await Promise.resolve()
      const own = { text: text.replaceAll('secret', '[it]'), trust: 1, reasons: [], by: null }
      const verdict = text.includes('minded. It rained all day, and nobody minded. ö') ? 'refuse' : 'redact'
      return { ...own, verdict, text: verdict === 'refuse' ? '' : own.text }
    },
  }
  interface Saved {
    readonly end: { readonly file: string; readonly offset: number; readonly pass: number } | undefined
    readonly waiting: readonly JudgedText[]
  }
  /** Takes so many records, and is stopped while the next is on its way. */
  const take = async (saved: Saved, most: number): Promise<Saved & { readonly got: readonly string[] }> => {
    const own = new JudgedRecords(gate, saved.waiting)
    let { end } = saved
    const got: string[] = []
    const reached = (at: Required<NonNullable<Saved['end']>>): void => {
      end = at
    }
    for await (const { id, payload } of own.records(chunks(end), 'notes', 256, reached)) {
      got.push(`${id} ${new TextDecoder('utf-8', { fatal: true }).decode(payload)}`)
      if (got.length > most) break
    }
    return { end, waiting: own.saved(), got }
  }
  const start: Saved = { end: undefined, waiting: [] }
  const whole = (await take(start, Infinity)).got
  const once = judged.splice(0).toSorted()
  expect(whole.join('')).not.toContain('secret')
  expect(whole.join('')).toContain('[it]')
  expect(new Set(whole).size).toBe(whole.length)
  for (let most = 0; most < whole.length; most += 3) {
    const first = await take(start, most)
    const second = await take(JSON.parse(JSON.stringify(first)) as Saved, Infinity)
    // Those of a piece that was not wholly taken come again, and are known by their ids.
    expect([...new Set([...first.got, ...second.got])].toSorted()).toEqual(whole.toSorted())
    expect(judged.splice(0).toSorted(), `after ${most}`).toEqual(once)
  }
  // The control: not every text lies in records; the piece that was refused does not.
  let unguarded = 0
  for await (const { payload } of cutRecords(chunks(), 'notes', 256)) unguarded += payload.length
  expect(whole.join('').includes('ö')).toBe(false)
  expect(unguarded).toBeGreaterThan(texts[0].length + texts[1].length + texts[2].length - 4)
})
