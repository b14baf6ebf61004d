/**
 * Synaptic intelligence (Zenke, Poole & Ganguli 2017, eq. 3–5): penalty = strength/2 · Σᵢ Ωᵢ·(θᵢ − θ*ᵢ)².
 * Importance is measured while learning: each weight's part in the fall of the loss, by how far it went for
 * it.
 */
import {
  add,
  checkOptions,
  checks,
  checkState,
  elementwise,
  expression,
  type PlainTensors,
  scope,
  type StateChecks,
  subtract,
  TensorMirror,
} from '@burgeon/tensor'
import { anchoredChecks, type AnchoredState, AnchoredWeights } from './anchored-weights.ts'
import type { Penalty } from './penalty.ts'

/** How strongly synaptic intelligence holds on. */
export interface SynapticIntelligenceOptions {
  /**
   * How much a unit of importance-weighted squared movement costs, in nats per token; > 0. With the ½ that
   * the paper leaves out: twice its c.
   */
  readonly strength: number
  /**
   * ξ: added to the squared way of a weight before its part in the loss is divided by it, so that weights
   * that hardly moved do not seem to matter most; > 0, in squared units of weights. Default 0.1.
   */
  readonly damping?: number
}

interface State extends AnchoredState {
  /** ω since the latest consolidation. */
  readonly path: PlainTensors
}

const stateChecks: StateChecks<State> = { ...anchoredChecks, path: checks.object('tensors by path') }

const { constant, divide, input, maximum, multiply, scalar } = expression
// inputs: ω, gradient g, change Δ; ω − g·Δ
const walked = expression.subtract(input(0), multiply(input(1), input(2)))
// inputs: ω, g, Δ, θ after the change, Ω, θ*; scalar: strength. g without the part of this penalty
const before = expression.subtract(input(3), input(2))
const ownPull = multiply(scalar(0), multiply(input(4), expression.subtract(before, input(5))))
const walkedHeld = expression.subtract(input(0), multiply(expression.subtract(input(1), ownPull), input(2)))
// inputs: ω, θ, θ* where it began; scalar: damping. max(0, ω)/((θ − θ*)² + ξ)
const way = expression.subtract(input(1), input(2))
const perWay = divide(maximum(input(0), constant(0)), expression.add(multiply(way, way), scalar(0)))

/**
 * Protects weights in proportion to what they did for the loss: ω = −Σ g·Δ over the steps since the latest
 * consolidation, where g is the gradient without the pull of this penalty, and Δ the change that was made of
 * it. A consolidation adds max(0, ω)/((θ − θ*)² + ξ) to Ω, and takes θ for the next anchor.
 *
 * It looks at no row for it, and costs one operation for each tensor and step. For steps of finite size Σω
 * overestimates the fall of the loss.
 *
 * New weights of a growth that begin at 0 borrow the mean importance of the old slices beside them, others
 * are free until the next consolidation; the path of all that is new begins with its first step.
 */
export function synapticIntelligence(options: SynapticIntelligenceOptions): Penalty {
  checkOptions('synapticIntelligence', options, {
    strength: checks.required(checks.number({ above: 0 })),
    damping: checks.number({ above: 0 }),
  })
  const { strength, damping = 0.1 } = options
  const held = new AnchoredWeights('synapticIntelligence', 'si', 'borrowed')
  const walk = new TensorMirror('si path integral', 'pathIntegral', () => true, true)
  return {
    name: `synaptic intelligence, strength ${strength}`,
    mirrors: [...held.mirrors, walk],
    waitsForConsolidation: true,
    loss: (weights) => held.loss(weights, strength),
    afterUpdate({ model, gradients, updates }) {
      for (const [path, update] of Object.entries(updates)) {
        const { tensor } = model.parameters.get(path)
        // Where it has begun: at the first step of its life.
        const anchor = held.anchor.get(path) ?? held.anchor.set(path, subtract(tensor, update))
        const own = [walk.getOrZero(path, tensor), gradients[path], update]
        const importance = held.importance.get(path)
        walk.set(
          path,
          importance === undefined
            ? elementwise(walked, own)
            : elementwise(walkedHeld, [...own, tensor, importance, anchor], [strength]),
        )
      }
    },
    consolidate(model) {
      scope(() => {
        for (const { path, tensor } of model.parameters) {
          const [gone, anchor, old] = [walk.get(path), held.anchor.get(path), held.importance.get(path)]
          if (gone === undefined || anchor === undefined) continue
          const fresh = elementwise(perWay, [gone, tensor, anchor], [damping])
          held.importance.set(path, old === undefined ? fresh : add(old, fresh))
        }
        held.anchorAt(model.parameters)
        walk.dispose()
      })
    },
    toState: async (): Promise<State> => ({ ...(await held.toState()), path: await walk.toState() }),
    restore(state, parameters) {
      const saved = checkState<State>('synapticIntelligence', state, stateChecks)
      held.checkState(saved, parameters)
      walk.checkState(saved.path, parameters)
      held.restore(saved, parameters)
      walk.restore(saved.path, parameters)
    },
  }
}
