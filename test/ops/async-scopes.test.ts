import {
  add,
  AsyncCallbackError,
  multiply,
  OptionError,
  openScope,
  scope,
  scopeAsync,
  type ScopedPart,
  type Tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const device = openReference()
const make = (value: number): Tensor => device.tensor([value], { shape: [1], dtype: 'f32' })

/** How many buffers a body leaves behind. */
async function leftBehind(body: () => Promise<unknown>): Promise<number> {
  const { buffers } = device.memory
  await body()
  return device.memory.buffers - buffers
}

describe('scopeAsync', () => {
  test('frees the tensors of its parts, and keeps those that it returns', async () => {
    let kept: { sum: Tensor } | undefined
    const left = await leftBehind(async () => {
      kept = await scopeAsync(async (part) => {
        const x = part(() => add(make(1), make(2)))
        const [value] = await x.read()
        return part(() => ({ sum: multiply(x, value) }))
      })
    })
    expect(left).toBe(1)
    expect(kept?.sum.item()).toBe(9)
    kept?.sum.dispose()
  })

  test('frees the tensors of its parts when its body fails, in a part or between two', async () => {
    const failing = (where: 'part' | 'between') =>
      scopeAsync(async (part) => {
        const x = part(() => make(1))
        await x.read()
        part(() => {
          make(2)
          if (where === 'part') throw new Error('stop')
        })
        throw new Error('stop')
      })
    for (const where of ['part', 'between'] as const) {
      expect(await leftBehind(() => expect(failing(where)).rejects.toThrow('stop'))).toBe(0)
    }
  })

  test('does not free tensors made outside of its parts', async () => {
    let outside: Tensor | undefined
    await scopeAsync(async (part) => {
      outside = make(7)
      part(() => make(8))
      await Promise.resolve()
    })
    expect(outside?.item()).toBe(7)
    outside?.dispose()
  })

  test('may hold synchronous scopes, and be begun inside of one', async () => {
    let waiting: Promise<Tensor> | undefined
    const left = await leftBehind(async () => {
      scope(() => {
        waiting = scopeAsync(async (part) => {
          const x = part(() => scope(() => add(make(1), 1)))
          await x.read()
          return part(() => add(x, 1))
        })
      })
      const result = await waiting
      expect(result?.item()).toBe(3)
      result?.dispose()
    })
    expect(left).toBe(0)
  })

  test('refuses an asynchronous part, and one after its end', async () => {
    await expect(scopeAsync(async (part) => part(async () => make(1)))).rejects.toThrow(AsyncCallbackError)
    let late: (() => Tensor) | undefined
    await scopeAsync(async (part) => {
      late = () => part(() => make(1))
    })
    expect(late).toThrow(OptionError)
  })
})

describe('tasks that run at once', () => {
  /** What a task does between two points at which it waits. */
  interface Task {
    readonly actions: readonly string[]
    readonly returns: boolean
    readonly value: number
  }
  const action = fc.constantFrom('make', 'combine', 'nest', 'read', 'make', 'combine', 'nest', 'read', 'fail')
  const task: fc.Arbitrary<Task> = fc.record({
    actions: fc.array(action, { maxLength: 6 }),
    returns: fc.boolean(),
    value: fc.integer({ min: 1, max: 100 }),
  })

  test('each keep their own tensors, in whatever order they continue', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(task, { minLength: 2, maxLength: 4 }), async (s, tasks) => {
        const before = device.memory.buffers
        const body = async (part: ScopedPart, id: number, { actions, returns, value }: Task) => {
          let last = part(() => make(value))
          let expected = value
          for (const [i, kind] of actions.entries()) {
            await s.schedule(Promise.resolve(), `task ${id} action ${i}`)
            // Freed early, or changed by another task, this would not be.
            expect(last.item()).toBe(expected)
            if (kind === 'read') expect((await last.read())[0]).toBe(expected)
            else if (kind === 'fail') throw new Error('stops')
            else if (kind === 'make') part(() => void make(0))
            else {
              last = part(() => (kind === 'nest' ? scope(() => add(add(last, 0), 1)) : add(last, 1)))
              expected++
            }
          }
          return returns ? { last, expected } : null
        }
        const run = async (task: Task, id: number): Promise<void> => {
          try {
            const result = await scopeAsync((part) => body(part, id, task))
            expect(result?.last.item()).toBe(result?.expected)
            result?.last.dispose()
          } catch (error) {
            expect(task.actions).toContain('fail')
            expect(String(error)).toBe('Error: stops')
          }
        }
        const running = tasks.map(run)
        await s.waitFor(Promise.all(running))
        expect(device.memory.buffers).toBe(before)
      }),
    )
  })

  test('are not harmed by one that awaits with an open scope, whose error says what to do instead', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 3 }), async (s, waits) => {
        const wrong = async (): Promise<void> => {
          using step = openScope()
          make(1)
          for (let i = 0; i < 1 + waits; i++) await s.schedule(Promise.resolve(), 'wrong')
          step.keep(make(2))
        }
        const right = async (): Promise<void> => {
          await s.schedule(Promise.resolve(), 'right')
          const mine = make(3)
          await s.schedule(Promise.resolve(), 'right')
          expect(mine.isDisposed).toBe(false)
          expect(scope(() => add(mine, 1)).item()).toBe(4)
          mine.dispose()
        }
        const outcomes = await s.waitFor(Promise.allSettled([wrong(), right(), right()]))
        expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
        expect(String((outcomes[0] as PromiseRejectedResult).reason)).toMatch(
          /AsyncCallbackError.*Use scopeAsync/,
        )
        expect(leavesNoScopeOpen()).toBe(true)
      }),
    )
  })
})

describe('openScope', () => {
  test('is refused when anything was awaited before it ended', async () => {
    const opened = openScope()
    const x = make(1)
    await Promise.resolve()
    expect(() => opened.close()).toThrow(AsyncCallbackError)
    expect(x.isDisposed).toBe(false)
    expect(() => opened.close()).not.toThrow()
    x.dispose()
  })

  test('may be used anew at every turn of an asynchronous loop', async () => {
    const left = await leftBehind(async () => {
      for (let i = 0; i < 5; i++) {
        {
          using _ = openScope()
          using _inner = openScope()
          make(i)
        }
        await Promise.resolve()
      }
    })
    expect(left).toBe(0)
  })

  test('is not what is recommended where a promise was returned', () => {
    expect(() => scope(async () => make(1))).toThrow(/use scopeAsync/)
  })
})

/** A tensor made outside of all scopes lives until it is disposed of. */
function leavesNoScopeOpen(): boolean {
  const x = make(1)
  scope(() => make(2))
  const lives = !x.isDisposed
  x.dispose()
  return lives
}
