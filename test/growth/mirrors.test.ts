/** Whatever follows growth is known here: a new kind of mirror needs its rule proved before it may exist. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Every source that defines a `remap`, and the tests that prove its rule to the byte. */
const proved: Readonly<Record<string, readonly string[]>> = {
  // Moments, sums, averages, importance, anchors and path integrals: growth and undo on every axis, then pruning and undo.
  'packages/tensor/src/parameters/tensor-mirror.ts': [
    'test/growth/grow.test.ts',
    'test/growth/prune.test.ts',
  ],
  'packages/tensor/src/parameters/derived-mirror.ts': ['test/growth/companions.test.ts'],
  'packages/autograd/src/optim/moments/ages.ts': ['test/growth/births.test.ts', 'test/growth/prune.test.ts'],
  'packages/autograd/src/optim/moments/copy-paces.ts': ['test/growth/copy-paces.test.ts'],
  // A count of steps: nothing of it has the shape of a parameter.
  'packages/autograd/src/optim/non-finite/skipped-steps.ts': ['test/growth/prune.test.ts'],
  // At its own size for good: outputs of a grown model are held to it (a property of displaced functions).
  'packages/continual/src/penalty/ancestor.ts': ['test/contracts/penalty.test.ts'],
  'packages/continual/src/plasticity/unit-record.ts': [
    'test/plasticity/resets.test.ts',
    'test/contracts/upkeep.test.ts',
  ],
  // Made again of the directions, which are tensors of a mirror.
  'packages/continual/src/projection/orthonormal-basis.ts': [
    'test/projections/orthogonal-gradient-descent.test.ts',
  ],
  'packages/continual/src/meta/learned-rates.ts': ['test/meta/growth.test.ts', 'test/growth/prune.test.ts'],
}

test('every mirror is among those whose rules are proved', () => {
  const defining = globSync('packages/*/src/**/*.ts').filter((file) =>
    /^ {2}remap\([^)]*\)[^{}]*\{$/m.test(readFileSync(file, 'utf8')),
  )
  expect(defining.map((file) => file.replaceAll('\\', '/')).toSorted()).toEqual(
    Object.keys(proved).toSorted(),
  )
  for (const tests of Object.values(proved)) {
    for (const file of tests) expect(readFileSync(file, 'utf8')).toMatch(/mirrors/)
  }
})

test('whatever has a remap has a keep, also an object among others', () => {
  for (const file of globSync('packages/*/src/**/*.ts')) {
    const source = readFileSync(file, 'utf8')
    const [remaps, keeps] = ['remap', 'keep'].map(
      (name) => source.match(new RegExp(`^ +(async )?${name}(\\(|: )`, 'gm'))?.length ?? 0,
    )
    expect(keeps, file).toBeGreaterThanOrEqual(remaps)
  }
})

test('every mirror can hand out what pruning drops', () => {
  for (const file of Object.keys(proved)) expect(readFileSync(file, 'utf8')).toMatch(/^ {2}(async )?keep\(/m)
})
