// Reaches inside: what is tested here is a part of its package, not an entry point.
// The assembler is an inner part of the backend, which no public entry point exports.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  defineFunction,
  f32,
  f32x4,
  type FunctionBuilder,
  i32,
  type Local,
  ModuleBuilder,
  v128,
  type Value,
} from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import { webAssembly } from '../../packages/tensor/src/backends/wasm/webassembly.ts'
import { newMemory, numberOf } from './run-wasm.ts'

/** Runs a function of one integer. */
function runWith(n: number, body: (b: FunctionBuilder, n: Local<'i32'>) => Value<'i32'>): number {
  const module = new ModuleBuilder()
  module.export('run', { n: 'i32' }, (b, p) => body(b, p.n))
  return module.instantiate(newMemory()).run(n) as number
}

/** The numbers that a loop hands to its body. */
function collect(write: (b: FunctionBuilder, push: (value: Value<'i32'>) => void) => void): number[] {
  const memory = newMemory()
  const module = new ModuleBuilder()
  module.export('run', {}, (b) => {
    const end = b.local('i32', 0)
    write(b, (value) => {
      b.store(end, value)
      b.advance(end, 4)
    })
    return end
  })
  const bytes = module.instantiate(memory).run() as number
  return [...new Int32Array(memory.buffer, 0, bytes / 4)]
}

describe('i32 arithmetic', () => {
  type Tree = number | 'x' | 'y' | { op: keyof typeof javascript; left: Tree; right: Tree }
  const javascript = {
    add: (x: number, y: number) => (x + y) | 0,
    sub: (x: number, y: number) => (x - y) | 0,
    mul: Math.imul,
    and: (x: number, y: number) => x & y,
    or: (x: number, y: number) => x | y,
    xor: (x: number, y: number) => x ^ y,
    shl: (x: number, y: number) => x << y,
    shrS: (x: number, y: number) => x >> y,
    shrU: (x: number, y: number) => (x >>> y) | 0,
    rotl: (x: number, y: number) => Number(BigInt.asIntN(32, rotated(x, y & 31))),
    rotr: (x: number, y: number) => Number(BigInt.asIntN(32, rotated(x, (32 - (y & 31)) & 31))),
    eq: (x: number, y: number) => Number(x === y),
    ne: (x: number, y: number) => Number(x !== y),
    ltS: (x: number, y: number) => Number(x < y),
    ltU: (x: number, y: number) => Number(x >>> 0 < y >>> 0),
    gtS: (x: number, y: number) => Number(x > y),
    gtU: (x: number, y: number) => Number(x >>> 0 > y >>> 0),
    leS: (x: number, y: number) => Number(x <= y),
    leU: (x: number, y: number) => Number(x >>> 0 <= y >>> 0),
    geS: (x: number, y: number) => Number(x >= y),
    geU: (x: number, y: number) => Number(x >>> 0 >= y >>> 0),
  }
  function rotated(x: number, by: number): bigint {
    const twice = (BigInt(x >>> 0) << 32n) | BigInt(x >>> 0)
    return twice >> BigInt(32 - by)
  }
  const edge = fc.constantFrom(0, 1, -1, 31, 32, 2 ** 31 - 1, -(2 ** 31))
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      edge,
      fc.integer(),
      fc.constantFrom('x' as const, 'y' as const),
      fc.record({
        op: fc.constantFrom(...(Object.keys(javascript) as (keyof typeof javascript)[])),
        left: tie('tree'),
        right: tie('tree'),
      }),
    ),
  }))

  test('equals JavaScript’s, with constants folded or computed', () => {
    fc.assert(
      fc.property(tree, fc.integer(), fc.integer(), (expression, x, y) => {
        const assembled = (t: Tree, p: { x: Value<'i32'>; y: Value<'i32'> }): Value<'i32'> | number => {
          if (typeof t === 'number') return t
          return typeof t === 'string' ? p[t] : i32[t.op](assembled(t.left, p), assembled(t.right, p))
        }
        const expected = (t: Tree): number => {
          if (typeof t === 'number') return t
          if (typeof t === 'string') return t === 'x' ? x : y
          return javascript[t.op](expected(t.left), expected(t.right))
        }
        const module = new ModuleBuilder()
        module.export('run', { x: 'i32', y: 'i32' }, (_, p) => i32.or(assembled(expression, p), 0))
        expect(module.instantiate(newMemory()).run(x, y)).toBe(expected(expression))
      }),
      { numRuns: 300 },
    )
  })

  test('of constants leaves one constant', () => {
    expect(i32.add(i32.mul(6, 7), 1).constant).toBe(43)
    expect(i32.sub(0, 2 ** 31).constant).toBe(-(2 ** 31))
  })

  test('dividing by a constant zero traps when it runs', () => {
    expect(() => numberOf(i32.divS(1, 0))).toThrow(/divide by zero/)
  })
})

describe('locals', () => {
  test('keep their numbers apart whatever the order of types', () => {
    const sum = numberOf((b) => {
      const [a, x, c, y] = [b.local('i32', 1), b.local('f32', 2), b.local('i32', 4), b.local('f32', 8)]
      const v = b.local('v128', f32x4.splat(16))
      const d = b.local('f64', 32)
      void d
      const integers = f32.convertI32S(i32.add(a, c))
      return f32.add(f32.add(integers, f32.add(x, y)), f32x4.extractLane(v, 3))
    })
    expect(sum).toBe(31)
  })

  test('without an initial value are zero again at each turn of a loop', () => {
    const seen = collect((b, push) =>
      b.repeat(3, () => {
        const x = b.local('i32')
        const v = b.local('v128')
        push(i32.add(x, i32.truncSatF32S(f32x4.extractLane(v, 0))))
        b.set(x, 5)
        b.set(v, f32x4.splat(5))
      }),
    )
    expect(seen).toEqual([0, 0, 0])
  })

  test('let computes once; a local has its value at the place where it is consumed', () => {
    expect(
      runWith(10, (b, n) => {
        const before = b.let(i32.add(n, 0))
        const lazy = i32.add(n, 0)
        b.set(n, 20)
        return i32.add(i32.mul(before, 100), lazy)
      }),
    ).toBe(1020)
  })

  test('tee sets and returns', () => {
    expect(runWith(3, (_, n) => i32.mul(n.tee(i32.add(n, 1)), n))).toBe(16)
  })

  test('of another function are refused', () => {
    const module = new ModuleBuilder()
    let foreign: Value<'i32'> | undefined
    module.export('one', { x: 'i32' }, (_, { x }) => {
      foreign = x
    })
    expect(() => module.export('two', {}, () => foreign as Value<'i32'>)).toThrow(/local of another function/)
  })

  test('a vector variable does not take a bare number, whose lanes would be a guess', () => {
    expect(() => numberOf((b) => f32x4.extractLane(b.local('v128', 1), 0))).toThrow(/expected f32x4.splat/)
  })
})

describe('loops', () => {
  const counting = (start: number, end: number, step: number): number[] => {
    const seen: number[] = []
    for (let i = start; i < end; i += step) seen.push(i)
    return seen
  }

  test('forRange counts like a for loop, with constant and computed bounds', () => {
    const small = fc.integer({ min: 0, max: 40 })
    fc.assert(
      fc.property(small, small, fc.integer({ min: 1, max: 9 }), (start, end, step) => {
        const expected = counting(start, end, step)
        expect(collect((b, push) => b.forRange(start, end, step, push))).toEqual(expected)
        const computed = collect((b, push) =>
          b.forRange(b.local('i32', start), b.local('i32', end), step, push),
        )
        expect(computed).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })

  test('forRange computes its end once', () => {
    const seen = collect((b, push) => {
      const end = b.local('i32', 3)
      b.forRange(0, end, 1, (i) => {
        push(i)
        b.set(end, 100)
      })
    })
    expect(seen).toEqual([0, 1, 2])
  })

  test('forRange walks pointers into the upper half of memory', () => {
    const middle = 2 ** 31
    const seen = collect((b, push) => b.forRange(middle - 4, middle + 8, 4, push))
    expect(seen.map((pointer) => pointer >>> 0)).toEqual([middle - 4, middle, middle + 4])
  })

  test('forRange refuses steps and ends that would never end', () => {
    expect(() => collect((b) => b.forRange(0, 4, 0, () => {}))).toThrow(
      /got step 0; expected a positive integer/,
    )
    expect(() => collect((b) => b.forRange(0, -4, 1, () => {}))).toThrow(/got end -4; expected at least 0/)
  })

  test.each([0, 1, 5])('repeat runs its body %d times', (count) => {
    const one = i32.const(1)
    const expected = new Array<number>(count).fill(1)
    expect(collect((b, push) => b.repeat(count, () => push(one)))).toEqual(expected)
    expect(collect((b, push) => b.repeat(b.local('i32', count), () => push(one)))).toEqual(expected)
  })

  test('while tests before the first turn and after each', () => {
    const collatz = (start: number): number[] =>
      collect((b, push) => {
        const n = b.local('i32', start)
        b.while(i32.ne(n, 1), () => {
          push(n)
          b.if(
            i32.and(n, 1),
            () => b.set(n, i32.add(i32.mul(n, 3), 1)),
            () => b.set(n, i32.shrU(n, 1)),
          )
        })
      })
    expect(collatz(6)).toEqual([6, 3, 10, 5, 16, 8, 4, 2])
    expect(collatz(1)).toEqual([])
  })

  test('nest', () => {
    const seen = collect((b, push) =>
      b.forRange(0, 3, 1, (i) => b.forRange(i, 3, 1, (j) => push(i32.add(i32.mul(i, 10), j)))),
    )
    expect(seen).toEqual([0, 1, 2, 11, 12, 22])
  })
})

describe('functions', () => {
  const twice = defineFunction('twice', { x: 'v128' }, (_, { x }) => f32x4.add(x, x))
  const minus = defineFunction('minus', { x: 'f32', y: 'f32' }, (_, { x, y }) => f32.sub(x, y))

  test('are called by name of argument, in any order', () => {
    expect(numberOf((b) => b.call(minus, { y: 1, x: 10 }))).toBe(9)
    expect(numberOf((b) => f32x4.extractLane(b.call(twice, { x: f32x4.splat(4) }), 0))).toBe(8)
  })

  test('get into a module once, and only if called', () => {
    const sizeWith = (calls: number): number => {
      const module = new ModuleBuilder()
      module.export('run', {}, (b) => {
        for (let i = 0; i < calls; i++) b.call(minus, { x: 1, y: 2 })
      })
      return module.toBytes().length
    }
    const [none, one, two, three] = [0, 1, 2, 3].map(sizeWith)
    expect(one - none).toBeGreaterThan(two - one)
    expect(three - two).toBe(two - one)
  })

  test('without a result run once where they are called', () => {
    const write = defineFunction('write', { at: 'i32' }, (b, { at }) => b.store(at, i32.add(i32.load(at), 1)))
    const module = new ModuleBuilder()
    module.export('run', {}, (b) => {
      b.call(write, { at: 8 })
      b.call(write, { at: 8 })
    })
    const memory = newMemory()
    expect(module.instantiate(memory).run()).toBeUndefined()
    expect(new Int32Array(memory.buffer)[2]).toBe(2)
  })

  test('may call functions that call functions', () => {
    const four = defineFunction('four', { x: 'v128' }, (b, { x }) => {
      return b.call(twice, { x: b.call(twice, { x }) })
    })
    expect(numberOf((b) => f32x4.extractLane(b.call(four, { x: f32x4.splat(3) }), 2))).toBe(12)
  })

  test('return early', () => {
    const magnitude = (n: number): number =>
      runWith(n, (b, x) => {
        b.if(i32.ltS(x, 0), () => b.return(i32.sub(0, x)))
        return x
      })
    expect([magnitude(-5), magnitude(5)]).toEqual([5, 5])
  })

  test('refuse a call that leaves out an argument', () => {
    const incomplete = { x: 1 } as unknown as { x: number; y: number }
    expect(() => numberOf((b) => b.call(minus, incomplete))).toThrow(/call minus: argument y is missing/)
  })

  test('cannot be exported twice under one name', () => {
    const module = new ModuleBuilder()
    module.export('run', {}, () => {})
    expect(() => module.export('run', {}, () => {})).toThrow(/second export named run/)
  })
})

describe('a module', () => {
  test('imports a shared memory with `sharedMemory`', () => {
    if (webAssembly === undefined) throw new Error('These tests need WebAssembly.')
    const memory = new webAssembly.Memory({ initial: 1, maximum: 4, shared: true })
    const module = new ModuleBuilder({ sharedMemory: true })
    module.export('run', {}, (b) => b.store(0, i32.const(7)))
    module.instantiate(memory).run()
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(new Int32Array(memory.buffer)[0]).toBe(7)
  })

  test('holds kernels that read like loops: y ← a x + y, of any length', () => {
    const module = new ModuleBuilder()
    module.export('saxpy', { count: 'i32', a: 'f32', x: 'i32', y: 'i32' }, (b, { count, a, x, y }) => {
      const factor = b.let(f32x4.splat(a))
      b.repeat(i32.shrU(count, 2), () => {
        b.store(y, f32x4.add(f32x4.mul(factor, v128.load(x)), v128.load(y)))
        b.advance(x, 16)
        b.advance(y, 16)
      })
      b.repeat(i32.and(count, 3), () => {
        b.store(y, f32.add(f32.mul(a, f32.load(x)), f32.load(y)))
        b.advance(x, 4)
        b.advance(y, 4)
      })
    })
    const memory = newMemory()
    const { saxpy } = module.instantiate(memory)
    for (const count of [0, 1, 3, 4, 7, 8]) {
      const [x, y] = [new Float32Array(memory.buffer, 0, 12), new Float32Array(memory.buffer, 64, 12)]
      x.forEach((_, i) => {
        x[i] = i
        y[i] = 100
      })
      saxpy(count, 2, 0, 64)
      expect([...y]).toEqual(Array.from(x, (value, i) => (i < count ? 2 * value + 100 : 100)))
    }
  })
})
