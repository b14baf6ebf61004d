import { valueAndGrad } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  crossEntropy,
  exp,
  matmul,
  mean,
  ones,
  openScope,
  profile,
  profileAsync,
  reshape,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const device = openWasm({ threads: 1 })

function gradientOfModel(): { loss: number; gradient: unknown } {
  using _ = openScope()
  const model = Gpt.create(
    { vocabulary: 11, context: 8, embed: 16, heads: 2, layers: 2 },
    { device, seed: 1 },
  )
  const tokens = device.tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 8], dtype: 'i32' })
  const targets = reshape(tokens, [8])
  const { value, gradient } = valueAndGrad((w: TensorsByPath) =>
    mean(crossEntropy(model.forward(tokens, w), targets)),
  )(model.parameters.tensors())
  const numbers = Object.entries(gradient).map(([path, gradient]) => [path, gradient.readSync()])
  model.dispose()
  return { loss: value.readSync()[0], gradient: numbers }
}

describe('profile', () => {
  test('counts calls, operations and bytes of each op', () => {
    using _ = openScope()
    const a = ones([4, 6], device)
    const { profile: report } = profile(() =>
      add(matmul(a, ones([6, 5], device)), matmul(a, ones([6, 5], device))),
    )
    const rows = Object.fromEntries(report.rows().map((row) => [row.name, row]))
    expect(rows.matmul).toMatchObject({
      calls: 2,
      flops: 2 * (2 * 4 * 5 * 6),
      bytesRead: 2 * 4 * (4 * 6 + 6 * 5),
      bytesWritten: 2 * 4 * (4 * 5),
    })
    expect(rows.elementwise).toMatchObject({ calls: 1, bytesRead: 4 * 2 * 20, bytesWritten: 4 * 20 })
    expect(rows.matmul.fractionOfPeak).toBeGreaterThan(0)
    expect(rows.matmul.fractionOfPeak).toBeLessThan(1)
  })

  test('sees gradients too, and changes no bit of them', () => {
    const expected = gradientOfModel()
    const { result, profile: report } = profile(gradientOfModel)
    expect(result).toEqual(expected)
    const names = report.rows().map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['attention', 'attentionGrad', 'crossEntropyGrad', 'linear']),
    )
  })

  test('tells shapes apart when asked to', () => {
    using _ = openScope()
    const { profile: report } = profile(() => [
      exp(ones([2], device)),
      exp(ones([3], device)),
      exp(ones([3], device)),
    ])
    const calls = report.rows({ byShape: true }).map(({ name, calls: many }) => [name, many])
    expect(Object.fromEntries(calls)).toMatchObject({ 'elementwise [2]': 1, 'elementwise [3]': 2 })
  })

  test('prints rows that add up to the line of all ops', () => {
    using _ = openScope()
    const { profile: report } = profile(gradientOfModel)
    const sum = report.rows().reduce((total, { milliseconds }) => total + milliseconds, 0)
    const lines = report.table().split('\n')
    expect(lines[0]).toMatch(/^op +calls +ms +of time +MFLOP +GFLOP\/s +MB read +MB written +GB\/s +of peak$/)
    expect(lines).toHaveLength(report.rows().length + 3)
    expect(lines.at(-2)).toContain(sum.toFixed(3))
    expect(lines.at(-1)).toContain((report.milliseconds - sum).toFixed(3))
    expect(report.table({ most: 2 }).split('\n')).toHaveLength(6)
  })

  test('writes a trace whose events follow one another', () => {
    const { profile: report } = profile(gradientOfModel)
    const { traceEvents, otherData } = JSON.parse(JSON.stringify(report.toChromeTrace())) as {
      traceEvents: { ph: string; ts: number; dur: number; name: string }[]
      otherData: object
    }
    expect(otherData).toEqual({ droppedEvents: 0 })
    const [body, ...calls] = traceEvents
    expect(body).toMatchObject({ ph: 'X', name: 'profile', ts: 0, dur: report.milliseconds * 1000 })
    expect(calls).toHaveLength(report.events.length)
    let end = 0
    for (const event of calls) {
      expect(event.ph).toBe('X')
      expect(event.ts).toBeGreaterThanOrEqual(end - 1e-6)
      end = event.ts + event.dur
    }
    expect(end).toBeLessThanOrEqual(report.milliseconds * 1000 + 1e-6)
  })

  test('keeps at most `events` events, and still counts them all', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.nat(12), (events, calls) => {
        using _ = openScope()
        const x = ones([1], openReference())
        const { profile: report } = profile(
          () => {
            for (let i = 0; i < calls; i++) exp(x)
          },
          { events },
        )
        expect(report.events).toHaveLength(Math.min(events, calls))
        expect(report.droppedEvents).toBe(Math.max(0, calls - events))
        expect(report.rows().reduce((sum, row) => sum + row.calls, 0)).toBe(calls)
      }),
    )
  })

  test('frees everything when the body fails', () => {
    expect(() =>
      profile(() => {
        throw new RangeError('stop')
      }),
    ).toThrow('stop')
    using _ = openScope()
    const { profile: report } = profile(() => undefined)
    exp(ones([1], device))
    expect(report.rows()).toEqual([])
  })

  test('follows an asynchronous body', async () => {
    const x = ones([1], device)
    const { result, profile: report } = await profileAsync(async () => {
      const before = await exp(x).read()
      exp(x)
      return before[0]
    })
    expect(result).toBeCloseTo(Math.E)
    expect(report.rows()[0]).toMatchObject({ name: 'elementwise', calls: 2 })
  })

  test('refuses bodies that overlap, and leaves the stack afterwards', async () => {
    const x = ones([1], device)
    let finish = (): void => {}
    const second = new Promise<void>((resolve) => {
      finish = resolve
    })
    const long = profileAsync(() => second)
    const short = profileAsync(async () => {
      await Promise.resolve()
      finish()
      await long.catch(() => {})
    })
    await expect(long).rejects.toThrow('engines that overlap')
    await short.catch(() => {})
    const { profile: report } = profile(() => exp(x))
    expect(report.rows()[0].calls).toBe(1)
  })

  test('refuses a number of events that is not a whole number from 0 on', () => {
    for (const events of [-1, 0.5, Number.NaN]) {
      expect(() => profile(() => 1, { events })).toThrow(`profile: got events ${events};`)
    }
  })
})
