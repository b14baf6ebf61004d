/** The learner knows no role, and roles know nothing of the learner or of each other: adding a method touches its own file alone. */
import { expect, it } from 'vitest'
import { readSources, relativeTarget } from './read-sources.ts'

const place = 'packages/continual/src/'
const sources = readSources('packages').filter(({ path }) => path.startsWith(place))

/** Folders of one role each. What joins roles in a step is in `upkeep`, and in files beside the folders. */
const roles = [
  'assess',
  'averaging',
  'context',
  'drift',
  'freezing',
  'growth',
  'guard',
  'memory',
  'meta',
  'penalty',
  'plasticity',
  'projection',
  'rehearsal',
  'vocabulary',
]
/** What a role may know beside its own folder. */
const common = [
  ...['errors.ts', 'part.ts', 'saved-state.ts', 'trigger.ts', 'upkeep/upkeep.ts'],
  ...['journal/', 'model/', 'stream/'],
]

it('the loop is one short file that names no role, and neither does the learner', () => {
  for (const [file, most] of [
    ['learning/loop.ts', 100],
    ['learner.ts', 210],
  ] as const) {
    const found = sources.find(({ path }) => path === `${place}${file}`)
    expect(found?.lines, file).toBeLessThanOrEqual(most)
    // To rehearse is what a learner does, whatever part it has for it.
    const others = found?.code.replaceAll(/\brehearse\b|rehearsal',|\w*Rehearse\w*/g, '')
    expect(others, file).not.toMatch(/rehears|penalt|freez|detect|watch|look.?ahead|polic|consolidat/i)
  }
})

it('a role imports its own folder, what all share, and no other role', () => {
  const offences = sources.flatMap((source) => {
    const role = roles.find((name) => source.path.startsWith(`${place}${name}/`))
    if (role === undefined) return []
    return source.imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => relativeTarget(source, specifier).slice(place.length))
      .filter((target) => ![`${role}/`, ...common].some((allowed) => target.startsWith(allowed)))
      .map((target) => `${source.path.slice(place.length)} → ${target}`)
  })
  expect(offences).toEqual([])
})

it('every folder of the learner has a rule', () => {
  const folders = new Set(
    sources.flatMap(({ path }) => path.slice(place.length).split('/').slice(0, -1).slice(0, 1)),
  )
  // `adapters` stands on the learner: it makes one, and nothing imports it.
  const others = [
    'adapters',
    // Stores beside the learner: nothing of them knows a model.
    'audit',
    'experience',
    // Between the machines of one step.
    'exchange',
    // Factors that steps read, and who chooses among them.
    'control',
    'choice',
    // Moments of the whole learner, kept and put back, and what is tried between two of them.
    'fork',
    'trial',
    // Stands on the learner: steps that are looked at before they stand.
    'limits',
    'journal',
    'learning',
    'metrics',
    'model',
    // Rows that are held back are kept as rehearsals keep theirs.
    'probes',
    'sinks',
    // Look at all of a learner, and change nothing.
    'explain',
    'health',
    // Work of the whole learner between two steps, in a transaction.
    'sleep',
    'strategy',
    'stream',
    'testing',
    'upkeep',
  ]
  expect([...folders].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
    [...roles, ...others].toSorted((a, b) => (a < b ? -1 : 1)),
  )
})
