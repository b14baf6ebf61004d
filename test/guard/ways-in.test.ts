/** Every way into a life, each with a text that a guard refuses: afterwards no byte of it is anywhere. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { connectMcp, loadMcp } from '@burgeon/server'
import { nodeDisk } from '@burgeon/gpt/node'
import { learnRecords, type LifeSettings, loadLife, recordsFrom } from 'burgeon/session'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { running } from '../front-door/running.ts'
import { called } from '../front-door/small-life.ts'
import { asking, lifeFolder, servedLife, smallServed } from '../server/small-served.ts'

const canary = 'zebra-4711-omega'
/** Long enough for a few steps, and for a part to be held out. */
const secret = `My password is ${canary} and nobody knows it. `.repeat(150)
const harmless = 'It rained all day, and nobody minded. '.repeat(150)

const settings: LifeSettings = {
  ...servedLife,
  memoryRows: 500,
  feedback: 20,
  recall: 2 ** 18,
  vocabulary: 300,
}
const refusing = { provenance: { sources: { 'good.txt': 1, good: 1 }, unknown: 'refuse' } } as const

/** Everything that was said while a text went in: outputs, answers, errors. */
type Way = (life: string) => Promise<readonly unknown[]>

/** A folder with the secret in a file, and something harmless beside it. */
function files(form: string = 'secret.txt', text: string = secret): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, form), text)
  writeFileSync(join(folder, 'good.txt'), harmless)
  return folder
}

const learn = async (life: string, source: string, input?: string): Promise<readonly unknown[]> => {
  const how = ['learn', source, '--resume', '--out', life]
  return [await called(how, input === undefined ? {} : { input }).catch((error: unknown) => error)]
}

const http = async (life: string, path: string, body: object): Promise<readonly unknown[]> => {
  const served = await smallServed(life)
  const { ask } = await asking({}, served)
  const good = await ask('/v1/learn', { text: harmless })
  const said = [await ask(path, body), good, (await ask('/v1/life')).json]
  await served.teacher?.close()
  return said
}

async function* records() {
  yield { id: '1', text: secret, domain: 'notes' }
  yield { id: '2', text: harmless, domain: 'notes' }
  // The same again, as a broker that was not acknowledged sends it.
  yield { id: '1', text: secret, domain: 'notes' }
}

const said = { prompt: 'Hi', completion: ' Ho', comment: 'so' }

/** Every way that text comes in from outside; a new one has to be here. */
const ways: Readonly<Record<string, Way>> = {
  'a file': (life) => learn(life, join(files(), 'secret.txt')),
  'a folder of files, some of which are good': (life) => learn(life, files()),
  'a table': (life) =>
    learn(life, join(files('secret.csv', `a,b\n${`1,${secret}\n`.repeat(9)}`), 'secret.csv')),
  'lines of JSON': (life) =>
    learn(life, join(files('secret.jsonl', `{"text":"${secret}"}\n`.repeat(9)), 'secret.jsonl')),
  'a page': (life) => learn(life, join(files('secret.html', `<p>${secret}</p>`), 'secret.html')),
  'standard input': async (life) => {
    const process = running(['learn', '-', '--append', '--out', life], temporaryFolder())
    process.child.stdin?.end(secret)
    return [await process.ended]
  },
  records: async (life) => {
    const lines: string[] = []
    const log = (line: string): void => void lines.push(line)
    const done = await learnRecords(life, recordsFrom('broker', records()), { log }).catch(
      (error: unknown) => error,
    )
    return [done, lines]
  },
  '/v1/learn': (life) => http(life, '/v1/learn', { documents: [{ text: secret, domain: 'notes' }] }),
  '/v1/feedback, as the prompt': (life) => http(life, '/v1/feedback', { ...said, prompt: secret, score: 1 }),
  '/v1/feedback, as the answer': (life) =>
    http(life, '/v1/feedback', { ...said, completion: secret, score: 1 }),
  '/v1/feedback, as what was wanted': (life) => http(life, '/v1/feedback', { ...said, correction: secret }),
  '/v1/feedback, as a comment': (life) => http(life, '/v1/feedback', { ...said, comment: secret, score: 1 }),
  'feedback in a talk': async (life) => [
    await called(['chat', '--from', life, '-n', '3'], { input: `Hi\n/better ${secret}\n` }),
  ],
  'a tool of MCP': async (life) => {
    const served = await smallServed(life)
    const sdk = await loadMcp()
    const [near, far] = InMemoryTransport.createLinkedPair()
    const { close } = await connectMcp(served, sdk, far)
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(near)
    const answer = await client.callTool({ name: 'learn', arguments: { text: secret } })
    await close()
    return [answer]
  },
  'a learner in a program': async (life) => {
    const { learner } = await loadLife(nodeDisk(life))
    return [await learner.observe(secret).catch((error: unknown) => error)]
  },
}

/** All bytes of all files of a folder. */
function bytesOf(folder: string): Buffer {
  const all = readdirSync(folder, { withFileTypes: true, recursive: true })
  const found = all.filter((entry) => entry.isFile())
  return Buffer.concat(found.map(({ parentPath, name }) => readFileSync(join(parentPath, name))))
}

const shownIn = (all: readonly unknown[]): string =>
  all
    .map((one) =>
      one instanceof Error ? `${one.stack} ${JSON.stringify(one)} ${String(one.cause)}` : JSON.stringify(one),
    )
    .join('\n')

/** What leaves nothing on disk in an unguarded life either, or tokens of another form. */
const leavesNothing = ['a learner in a program', 'feedback in a talk']

test.each(Object.entries(ways))('%s', async (name, way) => {
  const guarded = await lifeFolder({ ...settings, guard: refusing })
  const all = await way(guarded)
  expect(shownIn(all)).not.toContain(canary)
  expect(bytesOf(guarded).includes(canary)).toBe(false)
  // It was asked, and said no: nothing went around it.
  if (/feedback|program/.test(name)) {
    expect(shownIn(all)).toContain('not to be learnt')
    return
  }
  const { learner } = await loadLife(nodeDisk(guarded))
  expect(learner.door.summary.decisions).toMatchObject([{ verdict: 'refuse', reasons: ['unknown source'] }])
})

test.each(Object.entries(ways).filter(([name]) => !leavesNothing.includes(name)))(
  'without a guard %s leaves the text in the folder: what is looked for would be found',
  async (_, way) => {
    const life = await lifeFolder(settings)
    await way(life)
    expect(bytesOf(life).includes('zebra-4711')).toBe(true)
  },
)

test('what is kept apart is in one file that nobody else may read, until somebody drops or admits it', async () => {
  const guard = { provenance: { sources: { 'good.txt': 1 }, unknown: 'quarantine' } } as const
  const life = await lifeFolder({ ...settings, guard })
  const { ask } = await asking({}, await smallServed(life))
  const { json } = await ask('/v1/learn', {
    documents: [{ text: secret }, { text: harmless }, { text: secret }],
  })
  expect(json).toMatchObject({
    documents: [
      { bytes: 0, steps: 0, guard: { verdict: 'quarantine', reasons: ['unknown source'] } },
      { guard: { verdict: 'quarantine' } },
      { guard: { verdict: 'quarantine' } },
    ],
  })
  const file = join(life, 'quarantine.jsonl')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const listed = await called(['quarantine', 'list', '--from', life, '--json'])
  const { waiting } = JSON.parse(listed.output) as { waiting: readonly { id: string; text: string }[] }
  expect(waiting.map(({ text }) => text)).toEqual([secret, harmless])
  const [bad, good] = waiting.map(({ id }) => id)
  await expect(called(['quarantine', 'drop', 'nothing', '--from', life])).rejects.toThrow(
    'no text nothing waits',
  )
  expect((await called(['quarantine', 'drop', bad, '--from', life])).output).toBe('Dropped 1 text.\n')
  expect(bytesOf(life).includes(canary)).toBe(false)
  const admitted = await called(['quarantine', 'admit', good, '--from', life, '--json'])
  expect(JSON.parse(admitted.output)).toMatchObject({ admitted: [good], bytes: harmless.length - 1 })
  expect(readdirSync(life)).not.toContain('quarantine.jsonl')
  const { learner } = await loadLife(nodeDisk(life))
  expect(learner.step).toBeGreaterThan(0)
})

test('guards come from a file, stay with the life, and may be others when it goes on', async () => {
  const folder = files()
  const [life, file] = [join(folder, 'life'), join(folder, 'guard.json')]
  mkdirSync(join(folder, 'text'))
  writeFileSync(join(folder, 'text', 'secret.txt'), secret)
  writeFileSync(file, JSON.stringify(refusing))
  await called(['learn', join(folder, 'text'), '--guard', file, '--out', life, '--vocabulary', '256'])
  expect((await loadLife(nodeDisk(life))).settings.guard).toEqual(refusing)
  expect(bytesOf(life).includes(canary)).toBe(false)
  writeFileSync(file, '{ "novelRepetition": { "most": 200 } }')
  writeFileSync(join(folder, 'text', 'secret.txt'), `${harmless}${secret}`)
  await called(['learn', join(folder, 'text'), '--resume', '--guard', file, '--out', life])
  expect((await loadLife(nodeDisk(life))).settings.guard).toEqual({ novelRepetition: { most: 200 } })
  for (const [wrong, says] of [
    ['{', 'is no JSON'],
    ['{ "nothing": {} }', 'nothing'],
    ['{ "novelRepetition": { "most": 0 } }', 'most'],
  ]) {
    writeFileSync(file, wrong)
    await expect(called(['learn', folder, '--guard', file, '--out', join(folder, 'new')])).rejects.toThrow(
      says,
    )
  }
})
