/** Every way of protecting what is known, with options under which it does much in a few steps. */
import {
  aGem,
  ewc,
  gem,
  l2ToInitial,
  l2ToPrevious,
  learningWithoutForgetting,
  memoryAwareSynapses,
  onlineEwc,
  orthogonalGradientDescent,
  type Penalty,
  type Projection,
  reservoirReplay,
  synapticIntelligence,
} from '@burgeon/continual'

export const everyPenalty: Readonly<Record<string, () => Penalty>> = {
  ewc: () => ewc({ strength: 3, seed: 2 }),
  onlineEwc: () => onlineEwc({ strength: 3, decay: 0.8, fisher: 'empirical' }),
  measuredEwc: () => onlineEwc({ strength: 3, fisher: 'empirical', fresh: 'measured' }),
  memoryAwareSynapses: () => memoryAwareSynapses({ strength: 0.01 }),
  synapticIntelligence: () => synapticIntelligence({ strength: 2, damping: 0.01 }),
  learningWithoutForgetting: () => learningWithoutForgetting({ strength: 1 }),
  l2ToPrevious: () => l2ToPrevious({ strength: 0.1 }),
  l2ToInitial: () => l2ToInitial({ strength: 0.1 }),
}

const memory = () => reservoirReplay({ capacity: 6, seed: 4 })

export const everyProjection: Readonly<Record<string, () => Projection>> = {
  aGem: () => aGem({ memory: memory(), rows: 2 }),
  gem: () => gem({ memory: memory(), rows: 3, margin: 0.1 }),
  measuredOgd: () => orthogonalGradientDescent({ capacity: 5, rows: 2, fresh: 'measured' }),
  orthogonalGradientDescent: () => orthogonalGradientDescent({ capacity: 5, rows: 3 }),
}
