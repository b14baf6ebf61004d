import {
  checkArgument,
  checks,
  OptionError,
  ParameterStore,
  StateError,
  type TensorsByPath,
} from '@burgeon/tensor'
import {
  aGradientTransform,
  type GradientTransform,
  largestRateOf,
  refuseRows,
  restorable,
  skippedBy,
  type UpdateContext,
} from './gradient-transform.ts'

/** The gradients of one optimizer; there is at least one. */
interface Part {
  readonly optimizer: GradientTransform
  readonly part: TensorsByPath
}

function inspectAll(parts: readonly Part[], context: UpdateContext): void {
  for (const { optimizer, part } of parts) optimizer.inspect?.(part, context)
}

/** Shows some of the parameters, in a store of their own that dies afterwards. */
function showOwn(
  parameters: ParameterStore,
  isOwn: (path: string) => boolean,
  show: (own: ParameterStore) => void,
): void {
  checkArgument('byPath', 'parameters', parameters, checks.instance('a ParameterStore', ParameterStore))
  const own = new ParameterStore()
  for (const { path, axes, tensor } of parameters) if (isOwn(path)) own.add(path, axes, tensor)
  try {
    show(own)
  } finally {
    own.dispose()
  }
}

/**
 * Gives every parameter to one of several optimizers. Each sees the gradients of its own parameters alone:
 * what looks at all of them together, such as `clipByGlobalNorm`, belongs before it in a chain.
 *
 * @param pick Says by its path which one a parameter goes to; always the same.
 * @throws OptionError where there is nothing to choose from; the transform throws it for a path whose choice
 *   does not exist.
 * @example
 * ```ts
 * const isHidden = (path: string) => path.startsWith('blocks.') && path.endsWith('.weight')
 * const optimizer = byPath((path) => (isHidden(path) ? 'hidden' : 'others'), {
 *   hidden: muon({ learningRate: 1e-3, weightDecay: 0.1 }),
 *   others: adamw({ learningRate: 1e-3, weightDecay: 0 }),
 * })
 * ```
 */
export function byPath<Choice extends string>(
  pick: (path: string) => NoInfer<Choice>,
  optimizers: Readonly<Record<Choice, GradientTransform>>,
): GradientTransform {
  checkArgument('byPath', 'pick', pick, checks.callback('a function of a path'))
  checkArgument(
    'byPath',
    'optimizers',
    optimizers,
    checks.record('gradient transforms by name', aGradientTransform),
  )
  const all = Object.entries<GradientTransform>(optimizers)
  for (const [, optimizer] of all) refuseRows('byPath', optimizer)
  if (all.length === 0) throw new OptionError('byPath: got no optimizers; expected at least one.')
  const choices = all.map(([choice]) => choice)
  const partsOf = (gradients: TensorsByPath): Part[] => {
    const paths = Object.keys(gradients)
    const chosen = new Map(paths.map((path): [string, string] => [path, pick(path)]))
    const lost = paths.find((path) => !choices.includes(chosen.get(path) as string))
    if (lost !== undefined) {
      throw new OptionError(
        `byPath: ${lost} is to go to ${chosen.get(lost)}; expected one of ${choices.join(', ')}.`,
      )
    }
    return all.flatMap(([choice, optimizer]) => {
      const own = paths.filter((path) => chosen.get(path) === choice)
      const part = Object.fromEntries(own.map((path) => [path, gradients[path]]))
      return own.length === 0 ? [] : [{ optimizer, part }]
    })
  }
  const forEachOwn = (
    parameters: ParameterStore,
    show: (optimizer: GradientTransform, choice: string, own: ParameterStore) => void,
  ): void => {
    for (const [choice, optimizer] of all) {
      showOwn(
        parameters,
        (path) => pick(path) === choice,
        (own) => show(optimizer, choice, own),
      )
    }
  }
  return {
    name: `by path: ${all.map(([choice, { name }]) => `${choice} by ${name}`).join(', ')}`,
    mirrors: all.flatMap(([, optimizer]) => optimizer.mirrors),
    rateAt: (step) =>
      largestRateOf(
        all.map(([, optimizer]) => optimizer),
        step,
      ),
    inspect: (gradients, context) => inspectAll(partsOf(gradients), context),
    skipped: () => skippedBy(all.map(([, optimizer]) => optimizer)),
    transform(gradients, context) {
      largestRateOf(
        all.map(([, optimizer]) => optimizer),
        context.step,
      )
      const updates: Record<string, TensorsByPath[string]> = {}
      const parts = partsOf(gradients)
      // All of them before the first one changes anything.
      if (parts.length > 1) inspectAll(parts, context)
      for (const { optimizer, part } of parts) Object.assign(updates, optimizer.transform(part, context))
      return Object.fromEntries(Object.keys(gradients).map((path) => [path, updates[path]]))
    },
    toState: async () => {
      const states = all.map(async ([choice, optimizer]) => [choice, await optimizer.toState()] as const)
      return Object.fromEntries(await Promise.all(states))
    },
    ...restorable(
      (state, parameters) => {
        const saved = Object.keys(state ?? {})
        if (saved.length !== choices.length || saved.some((choice) => !choices.includes(choice))) {
          throw new StateError(
            `byPath: the saved state is that of ${saved.join(', ') || 'nothing'}; expected ${choices.join(', ')}. Build it the same way.`,
          )
        }
        const states = state as Readonly<Record<string, unknown>>
        forEachOwn(parameters, (optimizer, choice, own) => optimizer.checkState?.(states[choice], own))
        return states
      },
      (states, parameters) => {
        forEachOwn(parameters, (optimizer, choice, own) => optimizer.restore(states[choice], own))
      },
    ),
  }
}
