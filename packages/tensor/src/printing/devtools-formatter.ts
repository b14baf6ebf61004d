/** Prints tensors in the developer tools of browsers, which ask formatters instead of the object. */
import { Tensor } from '../tensor.ts'

/** An element that the tools render: its name, its attributes and its text. */
export type Rendered = readonly [element: string, attributes: Readonly<Record<string, string>>, text: string]

/** A custom formatter of the developer tools of Chromium and Firefox. */
export interface DevtoolsFormatter {
  /** Returns the element that stands for a value; null for values that the tools should print themselves. */
  header(value: unknown): Rendered | null
  hasBody(value: unknown): boolean
}

/**
 * Prints tensors in the console of a browser as Node does, once the page has put it on the list of formatters
 * and the tools' setting "custom formatters" is on. Other values are left to the tools.
 *
 * @example
 * ```ts
 * const page = globalThis as { devtoolsFormatters?: unknown[] }
 * page.devtoolsFormatters = [...(page.devtoolsFormatters ?? []), devtoolsFormatter]
 * ```
 */
export const devtoolsFormatter: DevtoolsFormatter = {
  header: (value) => (value instanceof Tensor ? ['pre', { style: 'margin: 0' }, String(value)] : null),
  hasBody: () => false,
}
