// Reaches inside: what is tested here is a part of its package, not an entry point.
import { describe, expect, test } from 'vitest'
import { exampleLife } from './example-life.ts'
import {
  createProgressLine,
  type Progress,
  progressText,
} from '../../packages/burgeon/src/terminal/progress-line.ts'
import * as quantities from '../../packages/burgeon/src/terminal/quantities.ts'
import { summaryOf } from '../../packages/burgeon/src/report/summary.ts'
import { table } from '../../packages/burgeon/src/terminal/table.ts'
import {
  displayWidth,
  fit,
  palette,
  printable,
  type TerminalEnvironment,
} from '../../packages/burgeon/src/terminal/terminal.ts'

class Screen {
  written = ''
  readonly isTTY: boolean
  readonly columns = 80
  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }
  write(text: string): void {
    this.written += text
  }
  /** What a person sees: a carriage return starts the line again. */
  get lines(): string[] {
    return this.written.split('\n').map((line) => line.split('\r').at(-1)?.replaceAll('\u001b[K', '') ?? '')
  }
}

function progress(bytes: number, domain = 'prose'): Progress {
  return { bytes, totalBytes: 100_000, domain, bitsPerByte: 2.5 }
}

function life(isTTY: boolean, environment: TerminalEnvironment = {}): Screen {
  const screen = new Screen(isTTY)
  let time = 0
  const line = createProgressLine({ output: screen, environment, now: () => time, plainEverySeconds: 5 })
  for (let second = 0; second <= 12; second++) {
    time = second * 1000
    line.update(progress(second * 2000))
    if (second === 6) line.event({ kind: 'drift', text: 'ADWIN noticed a change' })
    if (second === 7) line.event({ kind: 'growth', text: 'layer 4 → 5' })
  }
  line.end()
  return screen
}

describe('the progress line', () => {
  test('is rewritten in place on a terminal, with events above it', () => {
    expect(life(true, { NO_COLOR: '1' }).lines).toEqual([
      '~ drift      ADWIN noticed a change',
      '+ growth     layer 4 → 5',
      'prose         ━━──────────   24%  2.500 bits/byte   2.00 kB/s  38 s left',
      '',
    ])
  })

  test('is a plain line every few seconds elsewhere', () => {
    expect(life(false).written.split('\n')).toEqual([
      'prose           0%  2.500 bits/byte',
      'prose          10%  2.500 bits/byte   2.00 kB/s  45 s left',
      '~ drift      ADWIN noticed a change',
      '+ growth     layer 4 → 5',
      'prose          20%  2.500 bits/byte   2.00 kB/s  40 s left',
      'prose          24%  2.500 bits/byte   2.00 kB/s  38 s left',
      '',
    ])
  })

  test('has colour on a terminal only, and never with NO_COLOR or a dumb one', () => {
    expect(life(true).written).toContain('\u001b[33m~ drift')
    expect(life(true, { NO_COLOR: '1' }).written).not.toContain('\u001b[3')
    expect(life(false).written).not.toContain('\u001b')
    expect(life(true, { TERM: 'dumb' }).written).not.toContain('\u001b')
  })

  test('never wraps, and keeps what matters most when it is narrow', () => {
    for (let width = 1; width < 130; width++) {
      expect(
        displayWidth(progressText(progress(42_000, 'a-very-long-folder-name-indeed'), 6543, width)),
      ).toBeLessThanOrEqual(width)
    }
    expect(progressText(progress(42_000), 6543, 30)).toContain('42%')
  })

  test('goes without a total, a loss and a rate', () => {
    const unknown = { bytes: 42_000, totalBytes: null, domain: 'stdin', bitsPerByte: null }
    expect(progressText(unknown, null, 60)).toBe('stdin         42.0 kB')
  })

  test('measures the rate of this run only', () => {
    const screen = new Screen(false)
    let time = 0
    const line = createProgressLine({ output: screen, environment: {}, now: () => time })
    line.update(progress(50_000))
    time = 10_000
    line.update(progress(60_000))
    expect(screen.written).toContain('1.00 kB/s')
  })

  test('shows the last progress at the end, and nothing when there was none', () => {
    const screen = new Screen(false)
    const line = createProgressLine({ output: screen, environment: {}, now: () => 0 })
    line.end()
    expect(screen.written).toBe('')
    line.update(progress(0))
    line.update(progress(100_000))
    line.end()
    expect(screen.lines.at(-2)).toContain('100%')
  })

  test('lets no text from outside drive the terminal', () => {
    const screen = new Screen(true)
    const line = createProgressLine({ output: screen, environment: { NO_COLOR: '1' }, now: () => 0 })
    line.update(progress(0, 'a\u001b[2Jb\nc\u202e'))
    line.event({ kind: 'note', text: 'one\r\n\u001b]0;title\u0007two' })
    expect(screen.written.replaceAll('\u001b[K', '')).not.toMatch(/[^\P{Cc}\n\r]|\u202e/u)
    expect(printable('a\u0000\u0085\u2028b')).toBe('a b')
  })
})

test('a palette leaves text alone where there is no colour', () => {
  expect(palette({ write: () => {} }, {}).growth('x')).toBe('x')
  expect(palette({ write: () => {}, isTTY: true }, {}).growth('x')).toBe('\u001b[32mx\u001b[39m')
})

describe('a table', () => {
  test('aligns numbers right and words left', () => {
    const drawn = table(
      ['domain', 'bits/byte', 'size', 'forgotten'],
      [
        ['prose', 2.31, '1.20 MB', '+0.120'],
        ['declarations', '11.100', '400 kB', '\u20130'.slice(0, 1)],
      ],
    )
    expect(drawn.split('\n')).toEqual([
      'domain        bits/byte     size  forgotten',
      '────────────  ─────────  ───────  ─────────',
      'prose              2.31  1.20 MB     +0.120',
      'declarations     11.100   400 kB          –',
    ])
  })

  test('is not put out of line by colour or wide characters', () => {
    const lines = table(
      ['a', 'b'],
      [
        ['\u001b[32mgreen\u001b[39m', 'x'],
        ['日本語', 'y'],
      ],
    ).split('\n')
    expect(lines.slice(2).map((line) => displayWidth(line))).toEqual([9, 9])
  })

  test('refuses a row of another length', () => {
    expect(() => table(['a', 'b'], [['1']])).toThrow('row 0 has 1 cells, expected 2')
  })
})

test('a text is shortened to a number of columns', () => {
  expect([fit('hello', 5), fit('hello', 4), fit('日本語', 5), fit('hello', 0)]).toEqual([
    'hello',
    'hel…',
    '日本…',
    '',
  ])
})

describe('quantities', () => {
  test.each([
    [quantities.count(1_234_567), '1,234,567'],
    [quantities.count(999), '999'],
    [quantities.compactCount(999), '999'],
    [quantities.compactCount(1000), '1.00 k'],
    [quantities.compactCount(999_600), '1.00 M'],
    [quantities.compactCount(412_345), '412 k'],
    [quantities.byteSize(0), '0 B'],
    [quantities.byteSize(12_340), '12.3 kB'],
    [quantities.byteSize(1_234_567), '1.23 MB'],
    [quantities.byteRate(6543), '6.54 kB/s'],
    [quantities.byteRate(123_456), '123 kB/s'],
    [quantities.duration(0.42), '0.4 s'],
    [quantities.duration(9.97), '10 s'],
    [quantities.duration(59.6), '1 min 00 s'],
    [quantities.duration(171), '2 min 51 s'],
    [quantities.duration(3599.7), '1 h 00 min'],
    [quantities.duration(86_399), '1 d 0 h'],
    [quantities.duration(387_000), '4 d 12 h'],
    [quantities.duration(Infinity), '?'],
    [quantities.percent(0.999), '99%'],
    [quantities.bitsPerByte(2.3456), '2.346'],
    [quantities.bitsPerByte(Number.NaN), '?'],
    [quantities.signed(0.12, 3), '+0.120'],
    [quantities.signed(-0.034, 3), '\u22120.034'],
    [quantities.signed(-0.0001, 3), '0.000'],
  ])('%s', (shown, expected) => {
    expect(shown).toBe(expected)
  })
})

test('the summary joins growths of the vocabulary that follow each other, and no others', () => {
  const life = exampleLife()
  const grown = (bytes: number, text: string) => ({ ...life.growth[0], bytes, text })
  const growth = [
    grown(10, 'vocabulary 256 → 300'),
    grown(20, 'vocabulary 300 → 350'),
    grown(30, 'block b0: mlpHidden 16 → 24'),
    grown(40, 'vocabulary 350 → 400'),
  ]
  const parameters = [0, 10, 20, 30, 40].map((bytes) => ({ bytes, parameters: 1000 + bytes }))
  const shown = summaryOf({ ...life, growth, parameters }, palette({ write: () => true }, {}))
  const sizes = shown.slice(shown.indexOf('Size'), shown.indexOf('Drift'))
  expect(sizes).not.toContain('1,010')
  for (const row of ['1,020  vocabulary 256 → 350', '1,030  block b0', '1,040  vocabulary 350 → 400'])
    expect(sizes).toContain(row)
})
