/** Options are looked at where they come in, and a mistake is told in the caller's words. */
import { adamw, lion, muon, sgd } from '@burgeon/autograd/optim'
import { checkOptions, checks, OptionError, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** What JavaScript can say and TypeScript forbids. */
const untyped = (value: unknown): never => value as never

interface Options {
  readonly learningRate: number
  readonly decay?: number
  readonly mode?: 'up' | 'down'
  readonly steps?: number
}

const check = (options: unknown): void =>
  checkOptions('descent', untyped(options) as Options, {
    learningRate: checks.required(checks.number({ above: 0 })),
    decay: checks.number({ from: 0, below: 1 }),
    mode: checks.oneOf('up', 'down'),
    steps: checks.integer({ from: 1 }),
  })

const messageOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError)
    return (error as Error).message
  }
  return 'accepted'
}

describe('options', () => {
  test('that are right pass, and undefined counts as not given', () => {
    expect(() => check({ learningRate: 0.1, decay: 0, mode: 'up', steps: 1 })).not.toThrow()
    expect(() => check({ learningRate: 1, decay: undefined })).not.toThrow()
  })

  test.each([
    [{ learningRate: -1 }, 'descent: got learningRate -1; expected a positive number.'],
    [{ learningRate: Number.NaN }, 'descent: got learningRate NaN; expected a positive number.'],
    [{ learningRate: '1' }, "descent: got learningRate '1'; expected a positive number."],
    [{ learningRate: null }, 'descent: got learningRate null; expected a positive number.'],
    [{}, 'descent: got no learningRate; expected a positive number.'],
    [{ learningRate: 1, decay: 1 }, 'descent: got decay 1; expected a number in [0, 1).'],
    [{ learningRate: 1, mode: 'UP' }, "descent: got mode 'UP'; expected 'up' or 'down'."],
    [{ learningRate: 1, steps: 1.5 }, 'descent: got steps 1.5; expected a positive integer.'],
    [{ lr: 1 }, "descent: got an option lr, which does not exist; did you mean 'learningRate'?"],
    [
      { learningrate: 1 },
      "descent: got an option learningrate, which does not exist; did you mean 'learningRate'?",
    ],
    [
      { learningRaet: 1 },
      "descent: got an option learningRaet, which does not exist; did you mean 'learningRate'?",
    ],
    [
      { learningRate: 1, colour: 1 },
      'descent: got an option colour, which does not exist; expected one of learningRate, decay, mode, steps.',
    ],
    [null, 'descent: got options null; expected an object with learningRate, decay, mode, steps.'],
    [0.1, 'descent: got options 0.1; expected an object with learningRate, decay, mode, steps.'],
    [[1], 'descent: got options [1]; expected an object with learningRate, decay, mode, steps.'],
  ])('%j are refused with what came and what was expected', (options, message) => {
    expect(messageOf(() => check(options))).toBe(message)
  })

  test('whose name has one letter too few, too many or in the wrong place are recognised', () => {
    const position = fc.nat({ max: 'learningRate'.length - 2 })
    fc.assert(
      fc.property(position, fc.constantFrom('leave out', 'swap', 'double'), (at, how) => {
        const name = 'learningRate'
        const [before, after] = [name.slice(0, at), name.slice(at + 1)]
        const wrong =
          how === 'leave out'
            ? before + after
            : how === 'double'
              ? before + name[at] + name[at] + after
              : before + name[at + 1] + name[at] + name.slice(at + 2)
        if (wrong === name) return
        expect(messageOf(() => check({ [wrong]: 1 }))).toContain("did you mean 'learningRate'?")
      }),
    )
  })

  test('show whatever came in few words', () => {
    const x = tensor([1, 2], { device: openReference() })
    const wrong = [
      () => 1,
      x,
      new Map(),
      { a: 1 },
      [1, 2, 3, 4, 5, 6, 7, [8]],
      Symbol('s'),
      10n,
      'x'.repeat(99),
    ]
    const messages = wrong.map((value) => messageOf(() => check({ learningRate: value })))
    expect(messages.map((message) => /learningRate (.*);/.exec(message)?.[1])).toEqual([
      'a function',
      'a tensor f32[2]',
      'a Map',
      'an object with a',
      '[1, 2, 3, 4, 5, 6, …]',
      'Symbol(s)',
      '10',
      `'${'x'.repeat(40)}…'`,
    ])
  })
})

describe('every optimizer', () => {
  test.each(Object.entries({ adamw, lion, muon, sgd }))('%s says which option was meant', (name, make) => {
    expect(messageOf(() => make(untyped({ lr: 0.1 })))).toBe(
      `${name}: got an option lr, which does not exist; did you mean 'learningRate'?`,
    )
    expect(messageOf(() => make(untyped({})))).toContain(`${name}: got no learningRate`)
    expect(messageOf(() => make({ learningRate: 0.1 }))).toBe('accepted')
  })

  test('sgd takes its rate among the options or alone, with the same effect', () => {
    const weights = { x: tensor([1, 2], { device: openReference() }) }
    const [a, b] = [sgd({ learningRate: 0.5, momentum: 0.9 }), sgd(0.5, { momentum: 0.9 })].map(
      (optimizer) => optimizer.transform(weights, { parameters: weights, step: 0 })['x'],
    )
    expect([...a.readSync()]).toEqual([...b.readSync()])
    expect([...a.readSync()]).toEqual([-0.5, -1])
  })
})
