/**
 * The cost and savings of recomputing each block: memory and time of a training step of twelve layers, with
 * and without.
 */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { type Device, type Engine, mean, openScope, type TensorsByPath, withEngine } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark } from '../benchmark.ts'
import { batchOf } from '../peers/peer.ts'

interface Run {
  readonly milliseconds: number
  /** Most bytes alive at once, weights and optimizer included. */
  readonly peak: number
  readonly loss: number
  readonly gradient: readonly Uint8Array[]
}

export const checkpointing: Benchmark = async ({ quick, note }) => {
  const own = { vocabulary: 256, context: quick ? 64 : 256, embed: 128, heads: 4, layers: 12 }
  const sizes = { ...own, name: 'twelve layers', batch: quick ? 8 : 16 }
  const device = openWasm()
  const model = Gpt.create({ ...own, norm: 'layer' }, { device, seed: 1 })
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 0 }))
  const { tokens, targets } = batchOf(0, sizes)
  const x = device.tensor(tokens, { shape: [sizes.batch, sizes.context], dtype: 'i32' })
  const y = device.tensor(targets, { shape: [tokens.length], dtype: 'i32' })
  const parameters = model.parameters.tensors()

  // The rate is 0, so that every step is the same step.
  const step = (checkpointBlocks: boolean): Omit<Run, 'peak'> => {
    using _ = openScope()
    const start = performance.now()
    const { value, gradient } = valueAndGrad((w: TensorsByPath) =>
      mean(model.losses(x, y, w, { checkpointBlocks })),
    )(parameters)
    applyUpdates(parameters, optimizer.transform(gradient, { parameters, step: 0 }))
    const loss = value.item()
    const milliseconds = performance.now() - start
    const bytes = Object.values(gradient).map(
      (gradient) => new Uint8Array(gradient.readSync().buffer.slice(0)),
    )
    return { milliseconds, loss, gradient: bytes }
  }
  const [whole, again] = [false, true].map((checkpoint) => {
    let run: Omit<Run, 'peak'> | undefined
    const peak = peakOf(device, () => (run = step(checkpoint)))
    return { ...(run as Omit<Run, 'peak'>), peak }
  })
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < (quick ? 3 : 5); round++) {
    for (const [i, checkpoint] of [false, true].entries()) times[i].push(step(checkpoint).milliseconds)
    note(`round ${round + 1}: ${times.map((all) => `${all.at(-1)?.toFixed(0)} ms`).join(', checkpointed ')}`)
  }
  const [time, timeAgain] = times.map((all) => Math.min(...all))
  const different = whole.gradient.filter(
    (gradient, i) => Buffer.compare(gradient, again.gradient[i]) !== 0,
  ).length
  const at = `12 layers of width 128, ${tokens.length} tokens`
  return {
    rows: [
      {
        case: at,
        metric: 'most memory alive in a step, checkpointed',
        value: again.peak / 2 ** 20,
        unit: 'MiB',
        peer: 'everything kept',
        peerValue: whole.peak / 2 ** 20,
        ratio: whole.peak / again.peak,
      },
      {
        case: at,
        metric: 'time of a step, checkpointed',
        value: timeAgain,
        unit: 'ms',
        peer: 'everything kept',
        peerValue: time,
        ratio: time / timeAgain,
      },
    ],
    checks: [
      atMost('gradients that differ in a bit', different, 0),
      atMost('difference of the losses', Math.abs(whole.loss - again.loss), 0),
      ...(quick ? [] : [atLeast('times less memory', whole.peak / again.peak, 3)]),
      atMost('times as long', timeAgain / time, 1.4),
    ],
  }
}

/** Most bytes in live buffers after any op. */
function peakOf(device: Device, body: () => unknown): number {
  let peak = 0
  const watch = (below: Engine): Engine => ({
    run(op, inputs, attrs) {
      const outputs = below.run(op, inputs, attrs)
      peak = Math.max(peak, device.memory.bytes)
      return outputs
    },
  })
  withEngine(watch, body)
  return peak
}
