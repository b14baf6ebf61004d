/** Kinds of labels, and which label of each a row has. */
import { checks, OptionError, shown } from '@burgeon/tensor'
import type { TokenBatch } from '../stream/batch.ts'
import type { RowSource } from '../stream/row.ts'

/**
 * The label of one kind that a row has, by its domain or origin; none where it is null, undefined or empty.
 */
export type LabelOf = (row: Pick<RowSource, 'domain' | 'origin'>) => string | null | undefined

const mostKinds = 4

/** Functions of a row by the kind of label that they give. */
export class LabelKinds {
  /** In the order in which labels stand before a row. */
  readonly names: readonly string[]
  readonly #kinds: readonly (readonly [kind: string, of: LabelOf])[]

  /** @throws OptionError for none, more than four, or what is no function. */
  constructor(kinds: Readonly<Record<string, LabelOf>>) {
    this.#kinds = Object.entries(kinds)
    this.names = this.#kinds.map(([kind]) => kind)
    const areFunctions = this.#kinds.every(([, of]) => typeof of === 'function')
    if (areFunctions && this.names.length >= 1 && this.names.length <= mostKinds) return
    throw new OptionError(
      `contextLabels: got kinds ${this.#kinds.map(([kind, of]) => `${kind}: ${shown(of)}`).join(', ')}; ` +
        `expected one to ${mostKinds} functions of a row, such as { domain: ({ domain }) => domain }.`,
    )
  }

  /**
   * The label of each kind that each row of a batch has.
   *
   * @throws OptionError for a function that returns something else than a name.
   */
  namesIn({ domains, origins = [] }: TokenBatch): (string | undefined)[][] {
    return domains.map((domain, row) =>
      this.#kinds.map(([kind, of]) => {
        const name = of({ domain, origin: origins[row] ?? null }) ?? ''
        if (checks.text.accepts(name)) return name === '' ? undefined : name
        throw new OptionError(
          `contextLabels: got ${shown(name)} as the ${kind} of a row; expected a name, or null.`,
        )
      }),
    )
  }
}
