/** `npm run bench -- tape`: what recording an op costs, and pulling a gradient back through it. */
import { pullBack, recordTape } from '@burgeon/autograd'
import { gelu, linear, multiply, openScope, type Tensor, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'

/** Ops in a chain, on tensors so small that kernels cost next to nothing. */
const length = 1000
const [rows, columns] = [2, 8]

/** How long `body` takes. */
function microseconds(body: () => void): number {
  const start = performance.now()
  body()
  return (performance.now() - start) * 1000
}

/**
 * The quiet minimum of each part over many rounds, in which plain and recorded runs take turns: a machine
 * that does something else, or collects garbage, can only make a round longer.
 */
export const tape: Benchmark = async ({ quick }) => {
  const device = openWasm({ threads: 1 })
  const numbers = (...shape: number[]): Tensor => tensorFrom(shape, (i) => Math.sin(i + 1) / 4, device)
  const [w, b, gain] = [numbers(columns, columns), numbers(columns), numbers(columns)]
  const chains: Readonly<Record<string, (x: Tensor, i: number) => Tensor>> = {
    elementwise: (x, i) => (i % 2 === 0 ? gelu(x) : multiply(x, gain)),
    linear: (x) => linear(x, w, b),
    'elementwise and linear in turn': (x, i) => (i % 2 === 0 ? gelu(x) : linear(x, w, b)),
  }
  const parts = Object.entries(chains).map(([name, op]) => {
    const x = numbers(rows, columns)
    const chain = (): Tensor => {
      let y = x
      for (let i = 0; i < length; i++) y = op(y, i)
      return y
    }
    const [plain, recorded, backward]: number[][] = [[], [], []]
    for (let round = 0; round < (quick ? 100 : 400); round++) {
      using _ = openScope()
      plain.push(microseconds(chain))
      let recording: ReturnType<typeof recordTape<Tensor>> | undefined
      const forward = microseconds(() => (recording = recordTape([x, w, b, gain], chain)))
      const { tape: own, result } = recording as NonNullable<typeof recording>
      const ones = tensorFrom(result.shape, () => 1, device)
      backward.push(microseconds(() => pullBack(own, [result], [ones])))
      recorded.push(forward + microseconds(() => own[Symbol.dispose]()))
    }
    const [run, taped, pulled] = [plain, recorded, backward].map((times) => Math.min(...times) / length)
    const about = (metric: string, value: number): BenchmarkRow => {
      return { case: `${length} ops, ${name}`, metric, value, unit: 'µs/op' }
    }
    return {
      rows: [
        about('plain', run),
        about('recorded', taped),
        about('added by recording', taped - run),
        about('backward', pulled),
      ],
      checks: [atMost(`µs that recording adds to an op, ${name}`, taped - run, 3)],
    }
  })
  return {
    rows: parts.flatMap((part) => part.rows),
    checks: parts.flatMap((part) => part.checks),
  }
}
