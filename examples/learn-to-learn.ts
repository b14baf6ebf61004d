/** Learning to learn: weights from which one gradient step fits a new line. Run with `node --conditions=@burgeon/source examples/learn-to-learn.ts`. */
import { LearnedRates, metaSgd, type MetaTask } from 'burgeon/continual'
import { adamw, applyUpdates } from 'burgeon/optim'
import {
  add,
  keyFromSeed,
  mean,
  multiply,
  RandomStream,
  scope,
  square,
  subtract,
  tensor,
  type TensorsByPath,
  zeros,
} from 'burgeon/tensor'

const random = new RandomStream(keyFromSeed(0))

/** A line a·x + b, seen at eight points to practise on and at eight others to be judged by. */
function line(): MetaTask {
  const [a, b] = [random.normal(), random.normal()]
  const errorOn = (xs: readonly number[]): MetaTask['query'] => {
    const [x, y] = [tensor(xs), tensor(xs.map((at) => a * at + b))]
    return (w) => mean(square(subtract(add(multiply(x, w['gradient']), w['height']), y)))
  }
  const points = (): number[] => Array.from({ length: 8 }, () => random.normal())
  return { support: errorOn(points()), query: errorOn(points()) }
}

const weights: TensorsByPath = { gradient: zeros([1]), height: zeros([1]) }
const learned = new LearnedRates({ initial: 0.01 })
const optimizers = [adamw({ learningRate: 0.01 }), adamw({ learningRate: 0.01, weightDecay: 0 })]
for (let step = 0; step <= 200; step++) {
  const error = scope(() => {
    const rates = learned.of(weights)
    const found = metaSgd([line(), line(), line(), line()], weights, rates)
    applyUpdates(weights, optimizers[0].transform(found.gradient, { parameters: weights, step }))
    applyUpdates(rates, optimizers[1].transform(found.rates, { parameters: rates, step }))
    return found.value.item()
  })
  if (step % 50 === 0)
    console.log(`meta-step ${step}: error ${error.toFixed(2)} after one step on a new line`)
}
const rates = learned.of(weights)
console.log(
  `rates: ${rates['gradient'].item().toFixed(2)} for the gradient, ${rates['height'].item().toFixed(2)} for the height`,
)
