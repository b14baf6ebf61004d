import { checkpoint, grad, hvp, jvp, stopGradient, valueAndGrad } from '@burgeon/autograd'
import { adamw } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  AsyncCallbackError,
  attention,
  cast,
  concatenate,
  cumsum,
  type Device,
  dropout,
  type Engine,
  foldIn,
  keyFromSeed,
  less,
  linear,
  matmul,
  max,
  mean,
  multiply,
  OptionError,
  randomUniform,
  reorder,
  reshape,
  rmsNorm,
  scope,
  slice,
  softplus,
  sort,
  square,
  sum,
  type Tensor,
  type TensorsByPath,
  tanh,
  topK,
  withEngine,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf, numbersOf, tokensFor } from '../growth/tiny-model.ts'
import { Draw, device as reference } from './draw.ts'

const devices: readonly (readonly [string, Device])[] = [
  ['the reference', openReference()],
  ['wasm', openWasm()],
]
const numbers = (x: Tensor): number[] => [...x.readSync()]
const apart = (a: Tensor, b: Tensor): number => largestDifference(numbers(a), numbers(b))
const seeds = Array.from({ length: 12 }, (_, i) => i + 1)

test.each(devices)('gradients of a GPT are the same to the bit on %s', (_, device) => {
  for (const seed of seeds) {
    const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
    const tokens = tokensFor(model, drawFrom(seed))
    const gradients = [false, true].map((isChecked) =>
      scope(() => {
        const targets = reshape(tokens, [tokens.size])
        const { value, gradient } = valueAndGrad((w: TensorsByPath) =>
          mean(model.losses(tokens, targets, w, { checkpointBlocks: isChecked })),
        )(model.parameters.tensors())
        return { loss: value.item(), gradient: numbersOf(gradient) }
      }),
    )
    expect(gradients[1]).toEqual(gradients[0])
    tokens.dispose()
    model.dispose()
  }
})

describe.each([1, 2, 3])('for the drawn function %d', (seed) => {
  const draw = new Draw(seed)
  const [w, u] = [draw.tensor([3, 3]), draw.tensor([3, 3])]
  const layer = (x: Tensor): Tensor => add(x, tanh(matmul(x, softplus(w))))
  // x is used inside and outside of the bodies, which nest and return more than one tensor.
  const f = (wrap: typeof checkpoint) => (x: Tensor) => {
    const [y, same, z] = wrap(() => {
      const inner = wrap(() => layer(x))
      return [inner, x, layer(multiply(inner, x))]
    })
    return add(sum(multiply(y, z)), sum(multiply(same, x)))
  }
  const [plain, checked] = [f((body) => body()), f(checkpoint)]
  const x = draw.tensor([3, 3])

  test('the gradient is the same to the bit', () => {
    expect(numbers(grad(checked)(x))).toEqual(numbers(grad(plain)(x)))
  })
  test('products with the Hessian and the Jacobian are the same but for the order of additions', () => {
    expect(apart(hvp(checked)(x, u), hvp(plain)(x, u))).toBeLessThan(1e-12)
    expect(apart(jvp(checked)(x, u).product, jvp(plain)(x, u).product)).toBeLessThan(1e-12)
  })
  test('and third derivatives', () => {
    const third = (g: (y: Tensor) => Tensor): Tensor => grad((y: Tensor) => sum(multiply(hvp(g)(y, u), u)))(x)
    expect(apart(third(checked), third(plain))).toBeLessThan(1e-11)
  })
  test('a gradient taken inside is differentiated too', () => {
    const inside = (wrap: typeof checkpoint) => (y: Tensor) =>
      sum(wrap(() => multiply(grad((z: Tensor) => sum(layer(z)))(y), y)))
    expect(apart(grad(inside(checkpoint))(x), grad(inside((body) => body()))(x))).toBeLessThan(1e-12)
  })
})

test('intermediate tensors are held for one body at a time', () => {
  const device = openWasm()
  const x = device.tensor(new Float32Array(1000), { shape: [1000], dtype: 'f32' })
  const most = (wrap: typeof checkpoint): number => {
    let peak = 0
    const watch = (y: Tensor): Tensor => {
      peak = Math.max(peak, device.memory.bytes)
      return y
    }
    const before = device.memory.bytes
    const body = (y: Tensor) => (): Tensor =>
      Array.from({ length: 20 }).reduce<Tensor>((z) => watch(tanh(z)), y)
    const deep = (y: Tensor): Tensor =>
      sum(Array.from({ length: 20 }).reduce<Tensor>((z) => wrap(body(z)), y))
    grad(deep)(x).dispose()
    expect(device.memory.bytes).toBe(before)
    return (peak - before) / x.storage.bytes
  }
  expect(most((body) => body())).toBeGreaterThanOrEqual(400)
  expect(most(checkpoint)).toBeLessThan(70)
})

test.each<[string, (x: Tensor) => Tensor]>([
  ['running sums', (x) => cumsum(tanh(x), 1)],
  ['the numbers in order', (x) => sort(tanh(x), 0, { descending: true }).values],
  ['the largest', (x) => topK(multiply(x, x), 2).values],
  ['numbers in the order of others', (x) => reorder(tanh(x), sort(multiply(x, -1)).indices)],
  ['what dropout leaves', (x) => dropout(tanh(x), { rate: 0.5, key: keyFromSeed(3) })],
  [
    'attention under a mask',
    (x) => {
      const heads = reshape(tanh(x), [1, 4, 1, 4])
      return attention(heads, heads, heads, { mask: cast(less(reshape(x, [1, 1, 4, 4]), 0.5), 'i32') })
    },
  ],
])('a body that ends in %s has the same gradients to the bit when it is run again', (_, body) => {
  for (const seed of seeds) {
    scope(() => {
      const draw = new Draw(seed)
      const [x, u] = [draw.tensor([4, 4]), draw.tensor([4, 4])]
      const f = (wrap: typeof checkpoint) => (y: Tensor) => sum(square(wrap(() => scope(() => body(y)))))
      expect(numbers(grad(f(checkpoint))(x))).toEqual(numbers(grad(f((run) => run()))(x)))
      expect(apart(hvp(f(checkpoint))(x, u), hvp(f((run) => run()))(x, u))).toBeLessThan(1e-12)
    })
  }
})

test('random numbers are the same again, because their keys are', () => {
  const x = reference.tensor([1, 2, 3, 4], { shape: [4], dtype: 'f32' })
  const dropout = (wrap: typeof checkpoint) => (y: Tensor) => {
    const key = foldIn(keyFromSeed(3), 0)
    return sum(wrap(() => multiply(tanh(y), less(randomUniform(reference, key, [4]), 0.5))))
  }
  expect(numbers(grad(dropout(checkpoint))(x))).toEqual(numbers(grad(dropout((body) => body()))(x)))
})

describe('a step that no gradient depends on is not computed again', () => {
  const draw = new Draw(7)
  const [w, u, b] = [draw.tensor([3, 3]), draw.tensor([3, 3]), draw.tensor([3])]
  const x = draw.tensor([4, 3])
  /** How often each op is called for a gradient through a checkpointed body. */
  const callsOf = (body: (y: Tensor) => Tensor): Record<string, number> => {
    const calls: Record<string, number> = {}
    const count = (below: Engine): Engine => ({
      run: (op, inputs, attrs) => {
        calls[op] = (calls[op] ?? 0) + 1
        return below.run(op, inputs, attrs)
      },
    })
    withEngine(count, () => grad((y: Tensor) => sum(checkpoint(() => body(y))))(x))
    return calls
  }
  test('such as the last product of a block and the sum behind it', () => {
    const calls = callsOf((y) => add(y, linear(tanh(linear(y, w, b)), u, b)))
    expect(calls['linear']).toBe(3)
  })
  test('but a step that a rule reads is', () => {
    const bodies: readonly ((y: Tensor) => Tensor)[] = [
      (y) => max(linear(y, w, b), { axes: [1] }),
      (y) => tanh(reshape(linear(y, w, b), [12])),
      (y) => rmsNorm(linear(y, w, b), b),
      (y) => multiply(linear(y, w, b), matmul(y, u)),
      (y) => concatenate([slice(linear(y, w, b), [1]), y], 0),
      (y) => square(add(linear(y, w, b), 1)),
    ]
    for (const body of bodies) {
      const gradient = (wrap: typeof checkpoint): number[] =>
        numbers(grad((y: Tensor) => sum(tanh(wrap(() => body(y)))))(x))
      expect(gradient(checkpoint)).toEqual(gradient((run) => run()))
    }
    expect(callsOf(bodies[0])['linear']).toBe(2)
    expect(callsOf(bodies[4])['linear']).toBe(1)
  })
})

test('without a tape the body just runs', () => {
  const answer = { deep: [tanh(reference.tensor([1], { shape: [1], dtype: 'f32' }))], other: 'text' }
  expect(checkpoint(() => answer)).toBe(answer)
})

test('a body that differs when it runs again is refused', () => {
  const x = reference.tensor([1, 2], { shape: [2], dtype: 'f32' })
  const reassigned = (y: Tensor): Tensor => {
    let now = y
    for (let i = 0; i < 2; i++) now = checkpoint(() => tanh(now))
    return sum(now)
  }
  expect(() => grad(reassigned)(x)).toThrow(OptionError)
  let runs = 0
  const other = (y: Tensor): Tensor => sum(checkpoint(() => (runs++ === 0 ? tanh(y) : sum(y))))
  expect(() => grad(other)(x)).toThrow('read other tensors, or returned other shapes')
})

test('a body may stop gradients: what it stops is computed again, and stays a constant', () => {
  const x = reference.tensor([1, -2, 3], { shape: [3], dtype: 'f32' })
  const stopped = (y: Tensor): Tensor => sum(multiply(tanh(y), stopGradient(square(y))))
  const again = (y: Tensor): Tensor => checkpoint(() => stopped(y))
  for (const gradient of [grad, (f: typeof stopped) => (y: Tensor) => hvp(f)(y, y)]) {
    expect(numbers(gradient(again)(x))).toEqual(numbers(gradient(stopped)(x)))
  }
  expect(numbers(grad((y: Tensor) => sum(checkpoint(() => stopGradient(square(y)))))(x))).toEqual([0, 0, 0])
})

test('an asynchronous body is refused', () => {
  const x = reference.tensor([1], { shape: [1], dtype: 'f32' })
  expect(() => grad((y: Tensor) => checkpoint(async () => tanh(y)) as unknown as Tensor)(x)).toThrow(
    AsyncCallbackError,
  )
})

test('a learner that recomputes its blocks lives the same life', async () => {
  const lives = [false, true].map(async (checkpointBlocks) => {
    const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 2 }, { device: openWasm(), seed: 1 })
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }), checkpointBlocks })
    for (const text of ['once upon a time', 'there was a loop']) await learner.observe(text)
    const { weights } = await model.toState()
    return weights
  })
  const [kept, again] = await Promise.all(lives)
  expect(again).toEqual(kept)
})
