/** `burgeon learn --senses`, `generate --sense` and `forecast`: folders of media, and files that are written. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { BurgeonError } from '@burgeon/tensor'
import { loadLife } from 'burgeon/session'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { running } from './running.ts'
import { writtenInto } from './small-checkout.ts'
import { hall, mixedFiles, pixelsOf, sensibleFolder, sensibleLife, sensibleLifeIn } from './sense-files.ts'
import { called, smallText } from './small-life.ts'

/** The saved state, without seconds and what the audit log says of times. */
async function remains(folder: string): Promise<unknown> {
  const parts = await readCheckpoint(nodeDisk(join(folder, 'life')))
  const { record } = parts.life as { record: { seconds: number; audit?: unknown } }
  record.seconds = 0
  delete record.audit
  return parts
}

const lifeIn = (folder: string) => loadLife(nodeDisk(join(folder, 'life')))

/** Runs a command in a folder to its end. */
async function ran(folder: string, ...args: string[]): Promise<{ code: unknown; said: string }> {
  const burgeon = running(args, folder)
  const code = await burgeon.ended
  return { code, said: burgeon.said.output + burgeon.said.status }
}

const lines = (file: string): number =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0

describe('a folder of text, pictures, sound and tables', () => {
  let folder: string
  let said: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'burgeon-senses-'))
    await writtenInto(folder, Object.entries(mixedFiles))
    await sensibleLifeIn(folder)
    const learnt = await called(['learn', join(folder, 'inbox'), '--resume', '-o', join(folder, 'life')])
    said = `${learnt.code}: ${learnt.output}${learnt.status}`
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is learnt, each sense grown before its first piece, and what is broken is named and passed over', async () => {
    expect(said.slice(0, 3)).toBe('0: ')
    expect(said).toContain('1 text file and 9 picture, sound or table files')
    expect(said).toMatch(/passed over pictures\/broken\.png: .*bytes/)
    const { learner, record } = await lifeIn(folder)
    const senses = learner.model.config.patches?.senses ?? []
    expect(senses.map(({ name }) => name)).toEqual(['grey/1 8×8', 'series/1 2', 'pcm8/1'])
    const grown = record.events.filter(({ event }) => event.kind === 'growth')
    expect(grown.map(({ event }) => event.step)).toHaveLength(3)
    const domains = new Set(record.spans.map(({ domain }) => domain))
    expect([...domains].toSorted()).toEqual(['grey/1 8×8', 'notes.txt', 'pcm8/1', 'series/1 2'])
    const bytesOf = (domain: string): number =>
      record.spans.filter((span) => span.domain === domain).reduce((sum, { from, to }) => sum + to - from, 0)
    // Six pictures of 64 pixels with a name of five letters and its end behind or before; all but the first token.
    const before = 5 + 1
    expect(bytesOf('grey/1 8×8')).toBeGreaterThanOrEqual(6 * 64)
    expect(bytesOf('grey/1 8×8')).toBeLessThanOrEqual(6 * (64 + before + 1))
    // Each moment is two bytes; each piece has a header of 32.
    expect(bytesOf('series/1 2')).toBeGreaterThanOrEqual(200 + 32)
  })

  test('is not read again; a table that has become longer goes on where it ended', async () => {
    expect((await ran(folder, 'learn', 'inbox', '--resume')).said).toContain('All of it was read before')
    const { record } = await lifeIn(folder)
    const longer = Buffer.from(hall(112)).subarray(hall(100).length)
    await appendFile(join(folder, 'inbox/sensors/hall.csv'), longer)
    const more = await ran(folder, 'learn', 'inbox', '--resume')
    expect(more.code, more.said).toBe(0)
    const { record: now } = await lifeIn(folder)
    // A header of 32 bytes, 12 moments of 2, the end, the name of its folder.
    const rest = 'sensors\n'.length
    expect(now.bytes - record.bytes).toBeGreaterThanOrEqual(32 + 24)
    expect(now.bytes - record.bytes).toBeLessThanOrEqual(32 + 24 + 1 + rest)
  })

  test('writes a picture by its name, which another reader finds as it was drawn', async () => {
    const [one, again, other] = ['one.png', 'again.png', 'other.png'].map((name) => join(folder, name))
    const draw = (file: string, ...more: string[]) =>
      called(['generate', '--from', join(folder, 'life'), '--sense', 'grey', '-o', file, ...more])
    expect((await draw(one, '--prompt', 'above')).output).toBe(
      `Wrote ${one}: grey/1 8×8, ${lengthOf(one)} B.\n`,
    )
    const first = pixelsOf(await readFile(one))
    expect([first.width, first.height, first.pixels.length]).toEqual([8, 8, 64])
    await draw(again, '--prompt', 'above')
    expect(await readFile(again)).toEqual(await readFile(one))
    await draw(other, '--prompt', 'above', '--seed', '1')
    expect(pixelsOf(await readFile(other)).pixels).not.toEqual(first.pixels)
  })

  test('writes sound as long as is asked for', async () => {
    const file = join(folder, 'some.wav')
    const { output } = await called([
      'generate',
      '--from',
      join(folder, 'life'),
      '--sense',
      'pcm8/1',
      '--seconds',
      '0.02',
      '-o',
      file,
      '--json',
    ])
    const bytes = await readFile(file)
    expect(JSON.parse(output)).toMatchObject({ sense: 'pcm8/1', file, bytes: bytes.length })
    expect(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 12)).toBe('RIFFWAVE')
    expect([bytes.readUInt16LE(22), bytes.readUInt32LE(24), bytes.readUInt16LE(34)]).toEqual([1, 8000, 16])
    expect(bytes.readUInt32LE(40)).toBe(2 * 160)
  })

  test('foretells its table, as one that is printed and as one that is written', async () => {
    const table = join(folder, 'inbox/sensors/hall.csv')
    const args = ['forecast', table, '--from', join(folder, 'life'), '--steps', '3', '--samples', '4']
    const { output } = await called(args)
    const [names, ...rows] = output.trimEnd().split('\n')
    expect(names).toBe('degrees,degrees lower,degrees upper,load,load lower,load upper')
    expect(rows).toHaveLength(3)
    for (const row of rows) {
      const [degrees, lower, upper] = row.split(',').map(Number)
      expect(lower).toBeLessThanOrEqual(degrees)
      expect(degrees).toBeLessThanOrEqual(upper)
    }
    const file = join(folder, 'next.csv')
    expect((await called([...args, '-o', file])).output).toBe(`Wrote ${file}: 3 moments.\n`)
    expect(await readFile(file, 'utf8')).toBe(output)
    const { columns } = JSON.parse((await called([...args, '--json'])).output) as {
      columns: Record<string, { median: number[] }>
    }
    expect(columns.degrees.median).toEqual(rows.map((row) => Number(row.split(',')[0])))
  })

  test.for([
    [['generate', '--sense', 'gray', '-o', 'a.png'], /called gray .*'grey\/1 8×8', 'series\/1 2', 'pcm8\/1'/],
    [['generate', '--sense', 'series', '-o', 'a.csv'], /burgeon forecast/],
    [['generate', '--sense', 'grey', '-o', 'a.wav'], /ends with \.png/],
    [
      ['generate', '--sense', 'grey', '-o', 'inbox/notes.txt.png', '--seconds', '1'],
      /--seconds for a picture/,
    ],
    [['generate', '--sense', 'pcm8', '-o', 'a.wav', '--seconds', '9'], /at most 0\.09/],
    [['generate', '--sense', 'grey'], /without --out/],
    [['generate', '-o', 'a.png', '-p', 'a'], /--out without --sense/],
    [['generate', '--sense', 'grey', '-o', 'a.png', '--min-p', '0.1'], /--min-p with --sense/],
    [['generate'], /no --prompt/],
  ] as const)('refuses %j, and writes nothing', async ([args, message]) => {
    const given = args.map((arg) => (/\.(?:png|wav|csv)$/.test(arg) ? join(folder, arg) : arg))
    const failed = called([...given, '--from', join(folder, 'life')])
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toBeInstanceOf(BurgeonError)
    expect(existsSync(join(folder, 'a.png')) || existsSync(join(folder, 'a.wav'))).toBe(false)
  })

  test('never writes over a file', async () => {
    const file = join(folder, 'mine.png')
    await writeFile(file, 'mine')
    await expect(
      called(['generate', '--from', join(folder, 'life'), '--sense', 'grey', '-o', file]),
    ).rejects.toThrow(/is there and would be overwritten/)
    expect(await readFile(file, 'utf8')).toBe('mine')
  })
})

const lengthOf = (file: string): number => readFileSync(file).length

test('a life that is stopped, goes on, is killed and goes on again comes to the same bits', async () => {
  const [whole, broken] = [await sensibleFolder(), await sensibleFolder()]
  expect((await ran(whole, 'learn', 'inbox', '--resume', '--passes', '3')).code).toBe(0)
  const args = ['learn', 'inbox', '--resume', '--passes', '3', '--jsonl', 'steps.jsonl']
  const steps = join(broken, 'steps.jsonl')
  const stopped = running(args, broken)
  await expect.poll(() => lines(steps)).toBeGreaterThan(3)
  stopped.child.kill('SIGINT')
  expect(await stopped.ended, stopped.said.status).toBe(0)
  const { learner } = await lifeIn(broken)
  const all = (await lifeIn(whole)).learner.step
  expect(learner.step).toBeLessThan(all)
  const killed = running(args, broken)
  await expect.poll(() => lines(steps)).toBeGreaterThan(learner.step + 2)
  killed.child.kill('SIGKILL')
  expect(await killed.ended).toBe('SIGKILL')
  const rest = await ran(broken, ...args)
  expect(rest.code, rest.said).toBe(0)
  expect(await remains(broken)).toEqual(await remains(whole))
})

describe('what cannot be', () => {
  let place: string
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'burgeon-senses-'))
    await writeFile(join(place, 'a.txt'), smallText(5))
    await writeFile(join(place, 'cut.wav'), Buffer.from('RIFF'))
  })
  afterAll(() => rm(place, { recursive: true, force: true }))
  const learning = (...args: string[]) => called(['learn', ...args, '-o', join(place, 'life')])

  test('options beside which no sense can be learnt are refused before anything is', async () => {
    const text = join(place, 'a.txt')
    await expect(learning('-', '--senses')).rejects.toThrow(/--senses for standard input/)
    await expect(learning(text, '--senses', '--vocabulary', '300')).rejects.toThrow(/--vocabulary 300/)
    await expect(learning(text, '--senses', '--labels')).rejects.toThrow(/--senses with --labels/)
    await expect(learning(text, '--senses', '--from', 'model')).rejects.toThrow(/--senses with --from/)
    expect(existsSync(join(place, 'life'))).toBe(false)
  })

  test('a file that is damaged is named, where it is all there is to learn', async () => {
    await expect(learning(join(place, 'cut.wav'), '--senses')).rejects.toThrow(/cut\.wav: got no WAV file/)
  })

  test('a life whose vocabulary grows has no room for senses', async () => {
    const folder = await sensibleFolder(mixedFiles, { ...sensibleLife, senses: false, vocabulary: 300 })
    const args = ['learn', join(folder, 'inbox'), '--resume', '-o', join(folder, 'life')]
    await expect(called([...args, '--senses'])).rejects.toThrow(/tokens are more than bytes/)
    // Without the option it learns the text, tables among it, as ever.
    const { status } = await called(args)
    expect(status).toContain('left out pictures/above/0.png')
    const { record } = await lifeIn(folder)
    expect([...new Set(record.spans.map(({ domain }) => domain))]).toEqual(['notes.txt', 'sensors'])
  })

  test('a sense that the budget has no room for is refused, and the life stays as it was', async () => {
    const folder = await sensibleFolder(mixedFiles, { ...sensibleLife, maxParameters: 12_000 })
    const { code, said } = await ran(folder, 'learn', 'inbox', '--resume')
    expect(code).toBe(1)
    expect(said).toMatch(/pictures\/above\/0\.png, grey\/1 8×8, the model must grow, and that was refused/)
    const { learner } = await lifeIn(folder)
    expect(learner.model.config.patches).toBeUndefined()
  })

  test('a picture of more patches than the context is named and passed over', async () => {
    const folder = await sensibleFolder(mixedFiles, {
      ...sensibleLife,
      model: { ...sensibleLife.model, context: 9 },
    })
    const { code, said } = await ran(folder, 'learn', 'inbox/pictures', '--resume')
    expect(code, said).toBe(0)
    expect(said).toMatch(
      /passed over (?:above|below)\/0\.png: got grey\/1 8×8, of which \d+ of \d+ bytes fit/,
    )
  })

  test('a life that began without senses has them from when it is asked to on', async () => {
    const folder = await sensibleFolder(mixedFiles, { ...sensibleLife, senses: false })
    const learn = (...more: string[]) => ran(folder, 'learn', 'inbox', '--resume', ...more)
    expect((await learn()).said).toContain('left out pictures/above/0.png')
    const { said } = await learn('--senses')
    expect(said).toContain('sensors/hall.csv is read in another way than before')
    const { learner, settings } = await lifeIn(folder)
    expect(settings.senses).toBe(true)
    expect(learner.model.config.patches?.senses).toHaveLength(3)
  })
})
