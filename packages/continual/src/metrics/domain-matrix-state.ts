/** A domain matrix as plain data. */
import { checks, fields, type StateChecks } from '@burgeon/tensor'
import { entriesOf } from '../saved-state.ts'

/** Which way is better. */
export interface DomainMatrixOptions {
  /** `lower` for losses, `higher` for accuracies. `lower` unless given. */
  readonly better?: 'lower' | 'higher'
}

interface Evaluation {
  readonly after: string
  readonly values: readonly (readonly [domain: string, value: number])[]
}

export interface DomainMatrixState {
  readonly kind: 'domain-matrix'
  readonly options: Required<DomainMatrixOptions>
  readonly domains: readonly string[]
  readonly baseline: Evaluation['values']
  readonly evaluations: readonly Evaluation[]
}

const values = entriesOf('values by domain', checks.number())
/** A check of every field. */
export const matrixChecks: StateChecks<DomainMatrixState> = {
  kind: checks.oneOf('domain-matrix'),
  options: checks.object('options'),
  domains: checks.list('a list of names', checks.text),
  baseline: values,
  evaluations: checks.list(
    'evaluations',
    fields<Evaluation>('an evaluation', { after: checks.text, values }),
  ),
}
