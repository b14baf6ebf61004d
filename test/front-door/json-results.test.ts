/** `--json`: nothing but JSON is on the output, with the fields that docs/command-line.md names, and no other. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { heldPolicy, learnRecords, recordsFrom, type SourceRecord } from 'burgeon/session'
import { expect, test } from 'vitest'
import { hasNats, natsServer } from '../cluster/nats-server.ts'
import { lifeFolder, servedLife } from '../server/small-served.ts'
import { checkout, running } from './running.ts'
import { sensibleFolder } from './sense-files.ts'
import { smallCheckout, writtenInto } from './small-checkout.ts'
import { called, folderWithLife, smallText } from './small-life.ts'

/** The table of the document: by command and line, the fields, of which those with `?` may be missing. */
const documented = new Map(
  [
    ...readFileSync(join(checkout, 'docs/command-line.md'), 'utf8').matchAll(
      /^\| (`[^|]*) \| ([^|]*) \| (`[^|]*) \|$/gm,
    ),
  ].flatMap(([, commands, line, fields]) =>
    [...commands.matchAll(/`(\w[\w -]*)`/g)].map(([, command]): [string, string[]] => [
      `${command}: ${line}`,
      [...fields.replaceAll(/\([^)]*\)/g, '').matchAll(/`(\w+\??)`/g)].map(([, field]) => field),
    ]),
  ),
)

const used = new Set<string>()
/** Which nobody sees without a broker. */
const ofDoors = ['serve: when a door lets requests in', 'serve: the end of a door']

async function* aRecord(): AsyncGenerator<SourceRecord> {
  yield { id: '1', text: 'It rained all day.' }
}

/** Holds a line of a command to the document. */
function expectFields(line: object, what: string): void {
  used.add(what)
  const fields = documented.get(what)
  if (fields === undefined) throw new RangeError(`the document says nothing of ${what}`)
  const required = fields.filter((field) => !field.endsWith('?'))
  const optional = fields.filter((field) => field.endsWith('?')).map((field) => field.slice(0, -1))
  const names = Object.keys(line).filter((name) => !name.startsWith('penalty/'))
  expect(
    required.filter((field) => !names.includes(field)),
    what,
  ).toEqual([])
  expect(
    names.filter((name) => ![...required, ...optional].includes(name)),
    what,
  ).toEqual([])
}

const linesOf = (output: string): object[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object)

/** Runs a command in this process, with `--json`. */
async function json(...args: readonly string[]): Promise<{ lines: object[]; status: string }> {
  const { code, output, status } = await called([...args, '--json'], { input: 'Hello\n\nAnd more\n' })
  expect(code).toBe(0)
  return { lines: linesOf(output), status }
}

test('learn, and what became of it: generate, chat, eval, inspect, convert, restore', async () => {
  const folder = await folderWithLife({ 'a.txt': smallText(300) })
  const place = (name: string): string => join(folder, name)
  const learnt = await json('learn', place('a.txt'), '--resume', '--keep-sizes', '--out', place('life'))
  expect(learnt.status).toMatch(/burgeon learns[^]*Speak to it/)
  const [last, ...steps] = learnt.lines.toReversed()
  expect(steps.length).toBeGreaterThan(100)
  for (const step of steps) expectFields(step, 'learn: each step')
  expectFields(last, 'learn: the end')
  expect(last).toMatchObject({ done: true, step: steps.length, checkpoint: place('life') })
  const [none] = (await json('learn', place('a.txt'), '--resume', '--out', place('life'))).lines
  expectFields(none, 'learn: the end')
  expect(none).toMatchObject({ done: true, report: null, step: steps.length })

  const [generated] = (await json('generate', '--from', place('life'), '-p', 'the ', '-n', '5')).lines
  expectFields(generated, 'generate: the end')
  expect(generated).toMatchObject({ form: 'checkpoint', tokens: 5, finish: 'tokens' })
  const chatted = await json('chat', '--from', await lifeFolder(), '-n', '3')
  expect(chatted.lines).toHaveLength(2)
  for (const line of chatted.lines) expectFields(line, 'chat: each answer')
  expect(chatted.lines[0]).toEqual({ role: 'assistant', content: expect.any(String) })
  const judged = await called(['chat', '--from', await lifeFolder(), '-n', '3', '--json'], {
    input: 'Hi\n/bad\n',
  })
  expectFields(linesOf(judged.output)[1], 'chat: what is said of one')
  const tooLong = await json('chat', '--from', place('life'), '-n', '3')
  expect(tooLong.lines).toEqual([1, 2].map(() => ({ role: 'assistant', content: null })))
  const [evaluated] = (await json('eval', place('a.txt'), '--model', place('life'))).lines
  expectFields(evaluated, 'eval: the end')

  const [inspected] = (await json('inspect', place('life'), '--growth')).lines
  expectFields(inspected, 'inspect: a checkpoint')
  const { growth, kept } = inspected as { growth: object[]; kept: { number: number; step: number }[] }
  expect(growth[0]).toMatchObject({
    step: expect.any(Number),
    summary: expect.stringContaining('vocabulary'),
  })
  expect(kept[0]).toMatchObject({ number: 1, step: expect.any(Number) })
  const [plain] = (await json('inspect', place('life'))).lines
  expect(plain).not.toHaveProperty('growth')
  const [restored] = (await json('restore', '--from', place('life'), '--kept', '1', '--out', place('old')))
    .lines
  expectFields(restored, 'restore: the end')
  const looked = (await json('health', place('life'))).lines
  for (const finding of looked.slice(0, -1)) expectFields(finding, 'health: each finding')
  expectFields(looked.at(-1) ?? {}, 'health: the end')
  expect(looked.at(-1)).toMatchObject({ findings: looked.length - 1, wrong: 0, page: null })
  const [explained] = (await json('explain', place('life'), 'the ', 'q')).lines
  expectFields(explained, 'explain: the end')
  expect(explained).toMatchObject({ path: place('life'), page: null, notReplayed: null })
  const [slept] = (await json('sleep', place('life'))).lines
  expectFields(slept, 'sleep: the end')
  expect(slept).toMatchObject({ folder: place('life'), step: steps.length })
  const recorded = await lifeFolder()
  await learnRecords(recorded, recordsFrom('diary', aRecord()))
  const [verified] = (await json('audit', 'verify', recorded)).lines
  expectFields(verified, 'audit verify: the end')
  expect(verified).toMatchObject({ ok: true, wrong: null, weights: true })
  const [card] = (await json('card', recorded)).lines
  expectFields(card, 'card: the end')
  expect(card).toMatchObject({ folder: recorded, out: null, data: { experiences: 1 } })
  const [head] = (await json('audit', 'head', recorded)).lines
  expectFields(head, 'audit head: the end')
  const [proof] = linesOf((await called(['audit', 'prove', recorded, '0'])).output)
  expectFields(proof, 'audit prove: the proof, always')
  writeFileSync(place('proof.json'), JSON.stringify(proof))
  const [checked] = (await json('audit', 'check', place('proof.json'))).lines
  expectFields(checked, 'audit check: the end')
  expect(checked).toMatchObject({ ok: true, isOfText: null, isWitnessed: null })
  const ofDiary = ['forget', '--from', recorded, '--source', 'diary']
  const [lived] = (await json(...ofDiary, '--replay', '--out', place('without'))).lines
  expectFields(lived, 'forget: lived again')
  expect(lived).toMatchObject({ kept: null, experiences: 1, done: true })
  const [forgotten] = (await json(...ofDiary)).lines
  expectFields(forgotten, 'forget: the end')
  expect(forgotten).toMatchObject({ experiences: 1, dropped: [] })
  const llama = join(import.meta.dirname, '../gold/small-llama')
  const [converted] = (await json('convert', llama, place('own'))).lines
  expectFields(converted, 'convert: the end')
  expect(converted).toMatchObject({ form: 'folder', toForm: 'checkpoint' })
  const [folderForm] = (await json('inspect', llama)).lines
  expectFields(folderForm, 'inspect: a folder or GGUF file')
  expect(folderForm).toMatchObject({ form: 'folder', opens: true })
})

test('a life with senses: generate and forecast', async () => {
  const folder = await sensibleFolder()
  const life = join(folder, 'life')
  await json('learn', join(folder, 'inbox'), '--resume', '--out', life)
  const file = join(folder, 'drawn.png')
  const [drawn] = (await json('generate', '--from', life, '--sense', 'grey', '-o', file)).lines
  expectFields(drawn, 'generate: with `--sense`')
  expect(drawn).toMatchObject({ sense: 'grey/1 8×8', prompt: '', file, bytes: readFileSync(file).length })
  const table = join(folder, 'inbox/sensors/hall.csv')
  const asked = ['forecast', table, '--from', life, '--steps', '2', '--samples', '2']
  const [foretold] = (await json(...asked)).lines
  expectFields(foretold, 'forecast: the end')
  expect(foretold).toMatchObject({ steps: 2, level: 0.9 })
  expect(Object.keys((foretold as { columns: object }).columns)).toEqual(['degrees', 'load'])
})

test('a model that cannot be opened says why', async () => {
  const folder = await folderWithLife({
    'model/config.json': '{"model_type": "unknown"}',
    'model/model.safetensors': '',
  })
  const { code, output } = await called(['inspect', join(folder, 'model'), '--json'])
  expect(code).toBe(1)
  const [line] = linesOf(output)
  expectFields(line, 'inspect: a folder or GGUF file')
  expect(line).toMatchObject({ opens: false, refused: expect.any(String) })
})

test('first-life, drift and config', async () => {
  const folder = await folderWithLife({
    'a.csv': `x\n${Array.from({ length: 300 }, (_, i) => (i < 200 ? i % 2 : 9)).join('\n')}\n`,
  })
  mkdirSync(join(folder, 'checkout'))
  await writtenInto(join(folder, 'checkout'), smallCheckout())
  const first = running(['first-life', '--quick', '--root', 'checkout', '--out', 'first', '--json'], folder)
  await first.says('output', /\n/)
  first.child.kill('SIGINT')
  expect(await first.ended).toBe(0)
  const [end, ...steps] = linesOf(first.said.output).toReversed()
  expectFields(steps[0], 'first-life: each step')
  expectFields(end, 'first-life: the end')
  const [totals, ...alarms] = (await json('drift', join(folder, 'a.csv'))).lines.toReversed()
  expectFields(alarms[0], 'drift: each alarm')
  expectFields(totals, 'drift: the end')
  const [settings] = (await json('config')).lines
  expectFields(settings, 'config: the end')
})

test('serve, and a learner that is paused', async () => {
  const folder = await folderWithLife({ 'a.txt': smallText(4000) })
  const paused = running(['learn', 'a.txt', '--resume', '--json'], folder)
  await paused.says('output', /\n/)
  paused.child.kill('SIGINT')
  expect(await paused.ended).toBe(0)
  const [end] = linesOf(paused.said.output).toReversed()
  expectFields(end, 'learn: the end')
  expect(end).toMatchObject({ done: false, report: null, next: expect.stringContaining('--resume') })
  writeFileSync(join(folder, 'keys.json'), '[{"key": "0123456789abcdef", "scopes": ["read"]}]')
  const serve = running(['serve', '--json', '--port', '0', '--keys', 'keys.json'], folder)
  await serve.says('output', /\n/)
  const [listening] = linesOf(serve.said.output)
  expectFields(listening, 'serve: when it answers')
  expect(listening).toMatchObject({ model: 'life', learns: true, hasKeys: true })
  expect((await fetch(`${(listening as { url: string }).url}/health`)).status).toBe(200)
  const init = running(['init', '--json'], folder)
  expect(await init.ended).toBe(0)
  expectFields(linesOf(init.said.output)[0], 'init: the end')
  expectFields((await json('plan', '--parameters', '7e9')).lines[0], 'plan: the end')
  serve.child.kill('SIGTERM')
  expect(await serve.ended).toBe(143)
  expectFields(linesOf(serve.said.output)[1], 'serve: the end')
})

test.skipIf(!hasNats)('a door', async () => {
  const { address } = await natsServer()
  const door = running(
    ['serve', '--json', '--port', '0', '--door', 'notes', '--broker', address],
    await folderWithLife(),
  )
  await door.says('output', /\n/)
  const [listening] = linesOf(door.said.output)
  expectFields(listening, 'serve: when a door lets requests in')
  door.child.kill('SIGTERM')
  expect(await door.ended).toBe(143)
  expectFields(linesOf(door.said.output)[1], 'serve: the end of a door')
})

test('what a guard kept apart', async () => {
  const guard = { provenance: { unknown: 'quarantine' } } as const
  const life = await lifeFolder({ ...servedLife, guard })
  const folder = await folderWithLife({ 'a.txt': smallText(300), 'b.txt': 'short, and other text' })
  await json('learn', join(folder, 'a.txt'), '--resume', '--out', life)
  await json('learn', join(folder, 'b.txt'), '--resume', '--out', life)
  const [listed] = (await json('quarantine', 'list', '--from', life)).lines
  expectFields(listed, 'quarantine: what waits')
  const { waiting } = listed as { waiting: readonly { id: string }[] }
  const [first, last] = [waiting[0].id, waiting.at(-1)?.id ?? '']
  expectFields(
    (await json('quarantine', 'admit', last, '--from', life)).lines[0],
    'quarantine: what was learnt',
  )
  expectFields(
    (await json('quarantine', 'drop', first, '--from', life)).lines[0],
    'quarantine: what was dropped',
  )
})

test('what is stopped, and what waits for approval', async () => {
  const policy = heldPolicy({ approve: { forget: true } })
  const life = await lifeFolder({ ...servedLife, policy })
  expectFields((await json('stop', life)).lines[0], 'stop: the end')
  await json('stop', life, '--release')
  const [asked] = (await json('forget', '--from', life, '--source', 'nobody')).lines
  expectFields(asked, 'forget: where somebody has to approve it first')
  expectFields((await json('approve', life)).lines[0], 'approve: what waits')
  const { waiting } = asked as { waiting: string }
  expectFields((await json('approve', life, waiting, '--by', 'anna')).lines[0], 'approve: what was decided')
})

test.skipIf(!hasNats)('a cluster: who coordinates, who works, and who looks', async () => {
  const server = await natsServer()
  const folder = await folderWithLife({ 'notes/a.txt': smallText(60) })
  const of = (what: string, ...more: readonly string[]): string[] => [
    ...['cluster', what, ...more, '--name', 'notes', '--broker', server.address],
  ]
  const worker = json(...of('join', '--as', 'a', '--out', join(folder, 'worker')))
  const coordinated = await json(...of('start', join(folder, 'notes'), '--out', join(folder, 'shared')))
  const [end, ...rounds] = coordinated.lines.toReversed()
  expectFields(end, 'cluster start: the end')
  expect(end).toMatchObject({ done: true, records: 12, learnt: 12 })
  for (const round of rounds) expectFields(round, 'cluster start: each round')
  expect(rounds).toHaveLength(1)
  expectFields((await json(...of('status'))).lines[0], 'cluster status: the end')
  const [left] = (await json(...of('leave', 'a'))).lines
  expectFields(left, 'cluster leave: the end')
  expect(left).toEqual({ name: 'notes', worker: 'a', wasMember: true })
  const [ended, ...updates] = (await worker).lines.toReversed()
  expectFields(ended, 'cluster join: the end')
  expect(updates).toHaveLength(1)
  for (const update of updates) expectFields(update, 'cluster join: each round')
})

test('every line of the document was seen', () => {
  const isSeen = (what: string): boolean =>
    hasNats || (!what.startsWith('cluster ') && !ofDoors.includes(what))
  expect([...used].toSorted()).toEqual([...documented.keys()].filter(isSeen).toSorted())
})
