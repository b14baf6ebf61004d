/** `burgeon learn` as real processes: whatever happens to them, what was learnt is kept. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife, saveLife } from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { someOf } from '../how-long.ts'
import { running, startedProcess } from './running.ts'
import { written } from './small-checkout.ts'
import { folderWithLife, printed, smallText } from './small-life.ts'

/** Bytes that the life in a folder has learnt. */
async function learnt(folder: string, life = 'life'): Promise<number> {
  return (await loadLife(nodeDisk(join(folder, life)))).record.bytes
}

/** Waits until the checkpoint of a folder holds so many learnt bytes. */
async function savedUpTo(folder: string, bytes: number): Promise<void> {
  while ((await learnt(folder).catch(() => 0)) < bytes)
    await new Promise((resolve) => setTimeout(resolve, 50))
}

const text = smallText(100)

describe('standard input', () => {
  test('is saved while it waits, so that even a kill loses nothing but the batch that was not full', async () => {
    const folder = await folderWithLife()
    const burgeon = running(['learn', '-', '--append'], folder)
    burgeon.child.stdin.write(text)
    await savedUpTo(folder, text.length - 64)
    burgeon.child.kill('SIGKILL')
    expect(await burgeon.ended).toBe('SIGKILL')
    expect(await learnt(folder)).toBeGreaterThanOrEqual(text.length - 64)
  })

  test.for(someOf(['SIGINT', 'SIGTERM', 'SIGHUP'] as const, 1))(
    'that waits hears one %s, and all of it was learnt',
    async (signal) => {
      const folder = await folderWithLife()
      const burgeon = running(['learn', '-', '--append'], folder)
      burgeon.child.stdin.write(text)
      await savedUpTo(folder, text.length - 64)
      burgeon.child.kill(signal)
      expect(await burgeon.ended, burgeon.said.status).toBe(0)
      expect(burgeon.said.output).toContain('saved in life')
      expect(await learnt(folder)).toBe(text.length - 1)
    },
  )

  test('goes on behind what was read of it, refuses other text, and takes it with --append', async () => {
    const folder = await folderWithLife()
    const learn = async (input: string | Uint8Array, ...args: string[]): Promise<unknown> => {
      const burgeon = running(['learn', '-', ...args], folder)
      burgeon.child.stdin.end(input)
      const code = await burgeon.ended
      return code === 0 ? 0 : `${code}: ${burgeon.said.status}`
    }
    expect(await learn(text, '--resume')).toBe(0)
    expect(await learnt(folder)).toBe(text.length - 1)
    expect(await learn(`${Buffer.from(text).toString()}And more of it, at last.`, '--resume')).toBe(0)
    const now = await learnt(folder)
    expect(now).toBe(text.length - 1 + 23)
    expect(await learn('Something else. '.repeat(400), '--resume')).toMatch(
      /^1: burgeon: learn: the first .*--append\.\n$/,
    )
    expect(await learnt(folder)).toBe(now)
    expect(await learn('Something else. '.repeat(4), '--append')).toBe(0)
    expect(await learnt(folder)).toBe(now + 63)
  })
})

describe.skipIf(process.platform === 'win32')('a named pipe', () => {
  test.for(['nobody writes to', 'somebody holds open'])('that %s hears SIGTERM', async (how) => {
    const folder = await folderWithLife()
    execFileSync('sh', ['-c', 'mkfifo pipe'], { cwd: folder })
    const isHeld = how === 'somebody holds open'
    const writer = isHeld ? startedProcess('sh', ['-c', 'exec 3<>pipe; read line'], folder) : null
    const burgeon = running(['learn', 'pipe', '--resume'], folder)
    await burgeon.says('output', /learns pipe/)
    burgeon.child.kill('SIGTERM')
    expect(await burgeon.ended).toBe(0)
    writer?.child.stdin.end()
  })
})

describe('a reader that goes away', () => {
  test.for(['stdout', 'stderr'] as const)('from %s ends no learning', async (pipe) => {
    const folder = await folderWithLife({ 'a.txt': text })
    const burgeon = running(['learn', 'a.txt', '--resume'], folder)
    burgeon.child[pipe].destroy()
    expect(await burgeon.ended).toBe(0)
    expect(await learnt(folder)).toBe(text.length - 1)
  })
})

describe('--out', () => {
  test.for(['file/life', 'file', '/dev/null/life'])(
    '%s, which cannot be written, is noticed before anything is learnt',
    async (out) => {
      const folder = await written([
        ['file', 'taken'],
        ['a.txt', smallText(4000)],
      ])
      const burgeon = running(['learn', 'a.txt', '--out', out], folder)
      expect(await burgeon.ended).toBe(1)
      expect(burgeon.said.status).toMatch(/^burgeon: [^\n]*(cannot write into|not a folder|ENOTDIR)[^\n]*\n$/)
      expect(burgeon.said.output).toBe('')
    },
  )

  test('with a page that is not ours stays as it is', async () => {
    const folder = await written([
      ['notes/report.html', '<p>mine</p>'],
      ['notes/a.txt', smallText(4)],
    ])
    const learning = printed('learn', join(folder, 'notes'), '--out', join(folder, 'notes'))
    await expect(learning).rejects.toThrow('was not made by burgeon')
    expect(readFileSync(join(folder, 'notes/report.html'), 'utf8')).toBe('<p>mine</p>')
  })
})

describe('going on', () => {
  const resume = (folder: string, source: string, ...more: string[]): Promise<string> =>
    printed('learn', join(folder, source), '--resume', '--out', join(folder, 'life'), ...more)

  test('a finished life learns another text, and the same one again with --passes', async () => {
    const folder = await folderWithLife({ 'a.txt': smallText(20), 'b.txt': smallText(30) })
    await resume(folder, 'a.txt')
    expect(await learnt(folder)).toBe(smallText(20).length - 1)
    expect(await resume(folder, 'a.txt')).toContain('All of it was read before')
    await resume(folder, 'b.txt')
    const both = smallText(20).length + smallText(30).length - 2
    expect(await learnt(folder)).toBe(both)
    expect(await resume(folder, 'b.txt', '--passes', '3')).not.toContain('was read before')
    expect(await learnt(folder)).toBe(both + 2 * smallText(30).length - 1)
    expect(await resume(folder, 'b.txt')).toContain('--passes 4')
  })

  test('learns the notes that were added, changed and lengthened since, and only those', async () => {
    const folder = await folderWithLife({ 'notes/b.txt': smallText(10), 'notes/c/d.txt': smallText(10) })
    await resume(folder, 'notes')
    const before = await learnt(folder)
    writeFileSync(join(folder, 'notes/a.txt'), 'an earlier note, added later')
    writeFileSync(join(folder, 'notes/b.txt'), 'not what it was')
    await appendFile(join(folder, 'notes/c/d.txt'), ' and more')
    await resume(folder, 'notes')
    expect((await learnt(folder)) - before).toBe(27 + 14 + 8)
    expect(await resume(folder, 'notes')).toContain('All of it was read before')
  })

  test('refuses what cannot change, and lets take effect what can', async () => {
    const folder = await folderWithLife({ 'a.txt': smallText(4) })
    await expect(resume(folder, 'a.txt', '--seed', '8')).rejects.toThrow(/--seed 8.*begun with 7/)
    await expect(resume(folder, 'a.txt', '--vocabulary', '300')).rejects.toThrow(
      /--vocabulary 300.*begun with 280/,
    )
    await expect(resume(folder, '-', '--passes', '2')).rejects.toThrow()
    await resume(folder, 'a.txt', '--seed', '7', '--max-parameters', '99999')
    const { settings, learner } = await loadLife(nodeDisk(join(folder, 'life')))
    expect([settings.maxParameters, learner.budget.parameters]).toEqual([99_999, 99_999])
  })

  test('a life saved by an older burgeon goes on from its place', async () => {
    const folder = await folderWithLife({ 'a.txt': smallText(20) })
    const disk = nodeDisk(join(folder, 'life'))
    const { origin: _, record, ...life } = await loadLife(disk)
    await saveLife(disk, { ...life, record: { ...record, position: { file: 'a.txt', offset: 100 } } })
    await resume(folder, 'a.txt')
    expect(await learnt(folder)).toBe(smallText(20).length - 101)
  })

  test('prints what it will learn and has learnt: files, bytes, what is left out, losses, a sample, what to do next', async () => {
    const folder = await folderWithLife({ 'notes/a.txt': smallText(400), 'notes/b.bin': new Uint8Array(9) })
    mkdirSync(join(folder, 'notes/node_modules'))
    const burgeon = running(['learn', 'notes', '--resume'], folder)
    expect(await burgeon.ended, burgeon.said.status).toBe(0)
    const { output, status } = burgeon.said
    expect(output).toMatch(
      /^burgeon learns notes: 1 text file, 20\.0 kB; 19\.0 kB to learn, 1\.00 kB kept aside/,
    )
    expect(status).toMatch(/^left out node_modules\/: installed packages\nleft out b.bin: NUL byte at 0\n/)
    expect(output).toMatch(/\nbefore anything +[78]\.\d+\nafter notes\/ +[0-2]\.\d+\n/)
    expect(output).toMatch(/\nSpeak to it npx burgeon generate .*\nLook inside .*\nLearn more .*\n$/)
    expect(output).toMatch(
      /Lately it predicted text at [0-2]\.\d+ bits per byte before it learnt it, and at [0-7]\.\d+ over its whole life\.\n/,
    )
  })
})

test('what is held out stays so, and is measured after every text and pass', async () => {
  const folder = await folderWithLife({ 'a.txt': smallText(400), 'b.txt': smallText(300) })
  const learn = (source: string, ...more: string[]): Promise<string> =>
    printed('learn', join(folder, source), '--resume', '--out', join(folder, 'life'), ...more)
  await learn('a.txt')
  await learn('a.txt', '--passes', '2')
  const said = await learn('b.txt')
  expect(said).toMatch(/\nbefore b\.txt +[\d.]+ +[\d.]+\nafter b\.txt +[\d.]+ +[\d.]+\n/)
  expect(said).toMatch(/\nForgetting\n[^]*\na\.txt +[\d.]+ .*\nb\.txt +[\d.]+ /)
  const { record } = await loadLife(nodeDisk(join(folder, 'life')))
  const held = (bytes: number): number => 2 * Math.floor(bytes / 40)
  const [a, b] = [smallText(400).length, smallText(300).length]
  expect(record.bytes).toBe(2 * (a - held(a)) - 2 + (b - held(b)) - 1)
})

describe('first-life', () => {
  test('never overwrites what it did not make', async () => {
    const folder = await folderWithLife({ 'a.txt': smallText(4) })
    const out = join(folder, 'life')
    const before = readFileSync(join(out, 'checkpoint.json'), 'utf8')
    await expect(printed('first-life', '--quick', '--out', out)).rejects.toThrow('did not make')
    await printed('learn', join(folder, 'a.txt'), '--resume', '--out', out)
    const after = readFileSync(join(out, 'checkpoint.json'), 'utf8')
    expect(after).not.toBe(before)
    await expect(printed('first-life', '--quick', '--out', out)).rejects.toThrow('did not make')
    await expect(printed('first-life', '--quick', '--resume', '--out', out)).rejects.toThrow(
      'learns other text',
    )
    expect(readFileSync(join(out, 'checkpoint.json'), 'utf8')).toBe(after)
    rmSync(join(out, 'checkpoint.json'))
    writeFileSync(join(out, 'checkpoint.json'), '{}')
    await expect(printed('first-life', '--quick', '--out', out)).rejects.toThrow('did not make')
  })
})
