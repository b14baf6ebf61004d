/** The first life of README and docs is one run: its log, some of its lines, its facts, its picture. `npm run write:first-life` writes them all. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultStream, firstLifeBytes } from 'burgeon/demo'
import { describe, expect, it } from 'vitest'
import { firstLifeExcerpt, firstLifeFacts } from '../../scripts/first-life-facts.ts'
import { markedIn, withMarked } from '../../scripts/marked-text.ts'
import { pngText, withPngText } from '../../scripts/png-text.ts'
import { root } from './programs.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('the first life of the documents', () => {
  const { log, stream, report, picture } = JSON.parse(read('docs/first-life.json')) as {
    log: string[]
    stream: string[]
    report: string
    picture: string
  }

  it('prints the log of the run that was kept, and its facts', () => {
    expect(markedIn(read('docs/first-life.md'), 'first-life log')).toBe(['```', ...log, '```'].join('\n'))
    const excerpt = ['```', ...firstLifeExcerpt(log), '```'].join('\n')
    expect(markedIn(read('README.md'), 'first-life excerpt')).toBe(excerpt)
    expect(markedIn(read('README.md'), 'first-life facts')).toBe(firstLifeFacts(log))
  })

  it('has lived on the stream that this checkout has', async () => {
    // A package that is added changes it: see `addedLater` in the demonstration, or make the kept life anew.
    const domains = await defaultStream({ root, ...firstLifeBytes(false) })
    expect(domains.map(({ digest }) => digest)).toEqual(stream)
  })

  it('shows the report of that run', () => {
    const png = readFileSync(join(root, 'docs/first-life.png'))
    expect(pngText(png, 'burgeon report')).toBe(report)
    expect(createHash('sha256').update(png).digest('hex')).toBe(picture)
  })
})

describe('what holds them together', () => {
  it('a picture keeps the text it was given, and stays the picture it was', () => {
    const png = readFileSync(join(root, 'docs/first-life.png'))
    const marked = withPngText(png, 'some key', 'some text')
    expect(pngText(marked, 'some key')).toBe('some text')
    expect(pngText(png, 'some key')).toBeNull()
    expect(Buffer.from(marked).includes(png.subarray(33))).toBe(true)
  })

  it('only what stands between the marks is written, and missing marks are an error', () => {
    const text = 'a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n'
    expect(markedIn(withMarked(text, 'x', 'new\n'), 'x')).toBe('new')
    expect(withMarked(text, 'x', 'new')).toBe(text.replace('old', 'new'))
    expect(() => withMarked(text, 'y', 'new')).toThrow('<!-- begin y -->')
    expect(() => markedIn(text + text, 'x')).toThrow('once each')
  })

  it('the facts are those of the log', () => {
    const log = ['It starts with 155,296 parameters, predicts', '+ growth     a', '+ growth     b']
    const size = ['          0     155,296  born', '     60,416     167,648  block b0', 'Lived for 33 s.']
    expect(firstLifeFacts([...log, ...size])).toBe(
      'It grew 2 times, from 155,296 to 167,648 parameters, in 33 s.',
    )
    expect(() => firstLifeFacts(log)).toThrow(RangeError)
  })
})
