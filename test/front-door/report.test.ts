// Reaches inside: what is tested here is a part of its package, not an entry point.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { axisTicks } from '../../packages/burgeon/src/report/charts/axis-ticks.ts'
import { escapeMarkup } from '../../packages/burgeon/src/report/charts/escape-markup.ts'
import { spreadLabels, stackLabels } from '../../packages/burgeon/src/report/charts/label-layout.ts'
import type { LifeReport } from '../../packages/burgeon/src/report/life-report.ts'
import { smoothLoss, thinLoss } from '../../packages/burgeon/src/report/loss-series.ts'
import { renderReport } from '../../packages/burgeon/src/report/render-report.ts'
import { exampleLife } from './example-life.ts'

/** Tags that are open at the end, or the first that closes wrongly; nothing when every tag is closed in order. */
function unbalanced(html: string): string[] {
  const open: string[] = []
  const body = html.replace(/<!doctype html>/, '').replace(/<style>[\s\S]*?<\/style>/, '')
  for (const [whole, close, name, rest] of body.matchAll(
    /<(\/?)([a-z][a-z0-9]*)((?:\s+[\w:-]+="[^"<>]*")*\s*\/?)>|<|>/gi,
  )) {
    if (name === undefined) return [`stray ${whole}`]
    if (rest.endsWith('/')) continue
    if (close === '') open.push(name)
    else if (open.pop() !== name) return [`</${name}> closes something else`]
  }
  return open
}

/** A life in which every text is what an attacker, or a model, might write. */
function hostile(text: string): LifeReport {
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string') return value === 'true-change' || value === 'false-alarm' ? value : text
    if (Array.isArray(value)) return value.map(replace)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner)]))
  }
  return replace(exampleLife()) as LifeReport
}

describe('the report', () => {
  const life = exampleLife()
  const page = renderReport(life)

  test('is one well-formed page that loads and runs nothing', () => {
    expect(unbalanced(page)).toEqual([])
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(page).not.toMatch(/https?:|\/\/[a-z]|url\(|@import|<script|<link|<img|\ssrc=|\shref=|\son[a-z]+=/i)
  })

  test('is written in light and dark', () => {
    expect(page).toContain('prefers-color-scheme: dark')
    for (const name of ['paper', 'ink', 'quiet', 'drift', 'growth', 'domain-0', 'domain-5'])
      expect(page.split(`--${name}:`).length - 1, name).toBe(2)
  })

  test('shows every series', () => {
    const charts: string[] = page.match(/<svg [\s\S]*?<\/svg>/g) ?? []
    expect(charts.length).toBe(3)
    const [learning, parameters, heldOut] = charts
    const lines = (chart: string): string[] =>
      [...chart.matchAll(/class="line line-([^"]+)"/g)].map(([, tone]) => tone)
    expect(lines(learning)).toEqual(['quiet faint', 'ink'])
    expect(lines(parameters)).toEqual(['growth'])
    expect(lines(heldOut)).toEqual(['domain-0', 'domain-1', 'domain-2'])
    for (const chart of charts) expect(chart.match(/class="band /g)?.length).toBe(3)
    expect(learning.match(/class="marker /g)?.length).toBe(life.alarms.length)
    expect(parameters.match(/class="marker /g)?.length).toBe(life.growth.length)
    expect(learning).toContain('noticed after 3.10 kB')
    expect(learning).toContain('false alarm')
    for (const { text } of life.growth) expect(parameters).toContain(text)
    for (const { domain } of life.heldOut) expect(heldOut).toContain(`>${domain} `)
    for (const chart of charts) expect(chart).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('shows the whole life: tables, samples, origin and how to go on', () => {
    const shown = page
      .replace(/&quot;/g, '"')
      .replace(/&amp;/g, '&')
      .replace(/<\/?span[^>]*>/g, '')
    for (const { stage, values } of life.matrix.rows)
      for (const text of [stage, ...values.map((value) => value?.toFixed(3) ?? '–')])
        expect(shown).toContain(text)
    for (const text of [
      '+0.290',
      '+0.082',
      'Page–Hinkley',
      'true change',
      '7.20 kB',
      '2.4e-6',
      '742 k → 1.01 M',
    ])
      expect(shown).toContain(text)
    for (const { reason } of life.growth) expect(shown).toContain(reason)
    for (const { prompt, text } of life.samples) expect(shown).toContain(prompt + text)
    for (const { digest } of life.domains) expect(shown).toContain(digest)
    for (const { label, value } of [...life.config, ...life.machine])
      expect(shown).toContain(`<dt>${label}</dt><dd>${value}`)
    for (const text of [
      life.title,
      life.when,
      life.command,
      life.checkpoint.path,
      life.checkpoint.resumeCommand,
    ])
      expect(shown).toContain(text)
    expect(shown).toContain('In 2 min 51 s the model read 1.20 MB of text of 3 kinds')
    expect(shown).toContain('It noticed 2 of 2 changes in what it read, after')
    expect(shown).toContain('It grew 4 times, from 412 k to 1.01 M parameters.')
  })

  test.each([
    '<script>alert(1)</script>',
    '</pre></title></style><img src=x onerror=alert(1)>',
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '<!-- ]]> &lt;b&gt; &#60;script>',
    'control \u0000\u001b[31m\u007f\u0085 bidi \u202e half \ud800 end \uffff',
  ])('keeps harmless what a model may write: %j', (text) => {
    const hostilePage = renderReport(hostile(text))
    expect(unbalanced(hostilePage)).toEqual([])
    expect(hostilePage).not.toMatch(/<(script|img|iframe|b)\b|<[^>]*\son\w+=/i)
    expect(hostilePage).not.toMatch(/[^\P{Cc}\n\t]|\p{Cs}|[\u202e\uffff]/u)
  })

  test('is well-formed for every text', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 40 })
    fc.assert(
      fc.property(anything, (text) => {
        expect(unbalanced(renderReport(hostile(text)))).toEqual([])
      }),
      { numRuns: 25 },
    )
  })

  test('of a life that has not begun, or of a user’s own text, leaves out what is not there', () => {
    const nothing = {
      spans: [],
      prequential: [],
      heldOut: [],
      parameters: [],
      alarms: [],
      growth: [],
      samples: [],
    }
    const empty = renderReport({
      ...life,
      ...nothing,
      domains: [],
      matrix: { domains: [], rows: [] },
      forgetting: [],
    })
    expect(unbalanced(empty)).toEqual([])
    expect(empty).not.toMatch(/NaN|undefined|Infinity/)
    expect(empty).toContain('It has read nothing yet.')
    const alarms = [{ bytes: 9000, detector: 'ADWIN', verdict: 'unknown' as const, delayBytes: null }]
    const own = renderReport({ ...life, heldOut: [], alarms, spans: [life.spans[0]] })
    expect(own).not.toContain('Remembering')
    expect(own).not.toContain('It noticed')
    expect(own).toContain('>alarm<')
  })

  test('of a long life stays small', () => {
    const prequential = Array.from({ length: 100_000 }, (_, i) => ({
      bytes: i * 512,
      bitsPerByte: 2 + Math.sin(i * i),
    }))
    expect(renderReport({ ...life, prequential }).length).toBeLessThan(120_000)
  })
})

test('markup in a text is text', () => {
  expect(escapeMarkup(`<a href="x">&'\u0000\r\n\t</a>`)).toBe(
    '&lt;a href=&quot;x&quot;&gt;&amp;&#39;␀\n\t&lt;/a&gt;',
  )
})

describe('a chart’s layout', () => {
  test('has round ticks that cover the range', () => {
    expect(axisTicks(0, 8, 5).values).toEqual([0, 2, 4, 6, 8])
    expect(axisTicks(0, 1.2e6, 8).values.slice(0, 3)).toEqual([0, 200_000, 400_000])
    expect(axisTicks(0, 0.37, 4)).toEqual({ values: [0, 0.1, 0.2, 0.3, 0.4], step: 0.1, decimals: 1 })
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e12, noNaN: true }),
        fc.integer({ min: 2, max: 12 }),
        (max, wanted) => {
          const { values } = axisTicks(0, max, wanted)
          expect(values[0]).toBe(0)
          expect(values[values.length - 1]).toBeGreaterThanOrEqual(max * (1 - 1e-9))
          expect(values.length).toBeLessThanOrEqual(wanted + 2)
          expect(new Set(values).size).toBe(values.length)
        },
      ),
    )
  })

  const labels = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 900, noNaN: true }),
      size: fc.double({ min: 1, max: 150, noNaN: true }),
    }),
    { maxLength: 12 },
  )

  test('spreads labels so that none overlap, in their order', () => {
    expect(
      spreadLabels(
        [
          { at: 10, size: 10 },
          { at: 11, size: 10 },
        ],
        0,
        100,
      ),
    ).toEqual([10, 20])
    expect(
      spreadLabels(
        [
          { at: 99, size: 10 },
          { at: 98, size: 10 },
        ],
        0,
        100,
      ),
    ).toEqual([95, 85])
    fc.assert(
      fc.property(labels, (placed) => {
        const spread = spreadLabels(placed, 0, 5000).map((centre, i) => ({ centre, size: placed[i].size }))
        const sorted = spread.sort((a, b) => a.centre - b.centre)
        for (let i = 1; i < sorted.length; i++) {
          const gap = sorted[i].centre - sorted[i].size / 2 - (sorted[i - 1].centre + sorted[i - 1].size / 2)
          expect(gap).toBeGreaterThan(-1e-6)
        }
      }),
    )
  })

  test('stacks labels so that none is covered by a label or crossed by the line to one', () => {
    fc.assert(
      fc.property(labels, fc.integer({ min: 1, max: 5 }), (placed, lanes) => {
        const found = stackLabels(placed, lanes)
        for (const [i, lane] of found.entries()) {
          if (lane === null) continue
          expect(lane).toBeLessThan(lanes)
          for (const [j, other] of found.entries()) {
            const within = placed[j].at > placed[i].at && placed[j].at < placed[i].at + placed[i].size
            if (within && other !== null) expect(other).toBeLessThan(lane)
          }
        }
      }),
    )
  })
})

describe('a loss series', () => {
  const points = fc
    .array(fc.double({ min: 0, max: 8, noNaN: true }), { minLength: 1, maxLength: 400 })
    .map((losses) => losses.map((bitsPerByte, i) => ({ bytes: i * 100, bitsPerByte })))

  test('smooths a constant to itself and stays between the extremes', () => {
    fc.assert(
      fc.property(points, fc.double({ min: 1, max: 1e5, noNaN: true }), (series, span) => {
        const losses = series.map(({ bitsPerByte }) => bitsPerByte)
        for (const { bitsPerByte } of smoothLoss(series, span)) {
          expect(bitsPerByte).toBeGreaterThanOrEqual(Math.min(...losses) - 1e-9)
          expect(bitsPerByte).toBeLessThanOrEqual(Math.max(...losses) + 1e-9)
        }
      }),
    )
  })

  test('weighs a point by 1/e after its span', () => {
    const [, second] = smoothLoss(
      [
        { bytes: 0, bitsPerByte: 1 },
        { bytes: 500, bitsPerByte: 0 },
      ],
      500,
    )
    expect(second.bitsPerByte).toBeCloseTo(1 / Math.E / (1 + 1 / Math.E), 12)
  })

  test('is thinned to a few points that keep the extremes and the order', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 50 }), (series, buckets) => {
        const thin = thinLoss(series, buckets)
        expect(thin.length).toBeLessThanOrEqual(2 * buckets)
        const losses = (all: typeof series): number[] => all.map(({ bitsPerByte }) => bitsPerByte)
        expect(Math.max(...losses(thin))).toBe(Math.max(...losses(series)))
        expect(Math.min(...losses(thin))).toBe(Math.min(...losses(series)))
        expect(thin.every(({ bytes }, i) => i === 0 || bytes > thin[i - 1].bytes)).toBe(true)
      }),
    )
  })
})
