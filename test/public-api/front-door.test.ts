/** What a first program has from `burgeon` itself; everything else has a path. */
import { expect, it } from 'vitest'
import { codeOf, readSource } from '../architecture/read-sources.ts'

/** To add a name is a decision: put it here in the commit that uses it in README, docs or examples, and take out one that nobody uses there any more. */
const names = [
  // the errors a program catches
  ...[
    'BurgeonError',
    'CheckpointError',
    'LockedError',
    'NonFiniteError',
    'OptionError',
    'OutOfMemoryError',
    'ShapeError',
    'StateError',
  ],
  // the model
  ...['Gpt', 'GptConfig', 'byteTokenizer', 'generate', 'readCheckpoint', 'writeCheckpoint'],
  // the learner
  ...['Batch', 'Learner', 'LearnerState', 'StepReport', 'bitsPerByteOf'],
  // its strategy
  ...[
    'Penalty',
    'Rehearsal',
    'Strategy',
    'compose',
    'freezeConverged',
    'growingVocabulary',
    'onlineEwc',
    'pageHinkley',
    'reservoirReplay',
    'standardized',
  ],
  // when to grow
  ...['GrowthPolicy', 'budgeted', 'growByCompute', 'growOnPlateau', 'growOnSchedule'],
  // settings of the command line
  ...['BurgeonConfig', 'defineConfig'],
  // optimizers
  ...['adamw', 'sgd'],
  // tensors and gradients
  ...['Tensor', 'add', 'matmul', 'mean', 'multiply', 'scope', 'sum', 'tensor', 'valueAndGrad'],
]

it('exports these names and no other', () => {
  const code = codeOf(readSource('packages/burgeon/src/index.ts').text)
  const lists = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) => list.split(','))
  const exported = lists.map((item) => item.replace(/^\s*type /, '').trim()).filter((name) => name !== '')
  expect(exported.toSorted()).toEqual(names.toSorted())
  expect(code.match(/^export/gm)).toHaveLength(code.match(/^export (?:type )?\{/gm)?.length ?? 0)
})
