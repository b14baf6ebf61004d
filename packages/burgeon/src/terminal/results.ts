/** Results that programs read. */
import type { CommandContext } from './command-context.ts'

/** Where results go, and what people read. */
export interface Results {
  /** Prints one object as a line of JSON; nothing where people read. */
  print(value: object): void
  /** For what people read: beside JSON it joins the status. */
  readonly context: CommandContext
}

/** With `--json` nothing but JSON is on the output. */
export function resultsOf(isJson: boolean, context: CommandContext): Results {
  if (!isJson) return { print() {}, context }
  const { output, status } = context
  return {
    print: (value) => void output.write(`${JSON.stringify(value)}\n`),
    context: { ...context, output: status },
  }
}
