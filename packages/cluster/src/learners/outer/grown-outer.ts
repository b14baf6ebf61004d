/** Growth of the shared state. */
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { type RandomKey, scope, TensorMirror } from '@burgeon/tensor'
import { modelOf, type Numbers, numbersOf, type OuterState, singles } from './outer-state.ts'

/** What a growth makes of the shared state, and of what a worker keeps beside it. */
export interface GrownOuter {
  readonly outer: OuterState
  readonly beside: Numbers | null
}

/**
 * Grows the weights, and has the momentum follow as that of an optimizer does.
 *
 * @param beside Differences of weights that follow, too, such as what was left out of an update; null for none.
 * @throws What `grow` throws; nothing has changed then.
 */
export async function grownOuter(
  outer: OuterState,
  request: GrowthRequest,
  key: RandomKey,
  beside: Numbers | null = null,
): Promise<GrownOuter> {
  const model = modelOf(outer)
  const mirrors = [mirrorOf('outer momentum', outer.momentum, model)]
  if (beside !== null) mirrors.push(mirrorOf('left out of updates', beside, model))
  try {
    await grow(model, request, { mirrors, key })
    const weights = await numbersOf(model.parameters.tensors())
    const [momentum, other] = await Promise.all(mirrors.map((mirror) => inFull(mirror, weights)))
    return { outer: { config: model.config, weights, momentum }, beside: beside && other }
  } finally {
    for (const mirror of mirrors) mirror.dispose()
    model.dispose()
  }
}

function mirrorOf(name: string, numbers: Numbers, model: ReturnType<typeof modelOf>): TensorMirror {
  const mirror = new TensorMirror(name, 'gradient')
  scope(() => {
    for (const [path, { shape, data }] of Object.entries(numbers)) {
      mirror.set(path, model.device.tensor(data, { shape, dtype: 'f32' }, path))
    }
  })
  return mirror
}

/** Its numbers for every parameter: 0 for one that is new. */
async function inFull(mirror: TensorMirror, weights: Numbers): Promise<Numbers> {
  const known = singles(await mirror.toState())
  return Object.fromEntries(
    Object.entries(weights).map(([path, { shape, data }]) => {
      return [path, known[path] ?? { shape, data: new Float32Array(data.length) }]
    }),
  )
}
