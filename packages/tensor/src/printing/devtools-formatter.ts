/** How the developer tools of browsers print a tensor: they ask no object, only formatters. */
import { Tensor } from '../tensor.ts'

/** What the tools render: the name of an element, its attributes and its text. */
export type Rendered = readonly [element: string, attributes: Readonly<Record<string, string>>, text: string]

/** A custom formatter of the developer tools of Chromium and Firefox. */
export interface DevtoolsFormatter {
  /** What stands for a value; null for values that the tools shall print themselves. */
  header(value: unknown): Rendered | null
  hasBody(value: unknown): boolean
}

/**
 * Prints tensors in the console of a browser as Node does, once the page has put it on the list of formatters and the tools' setting "custom
 * formatters" is on. Other values are left alone.
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
