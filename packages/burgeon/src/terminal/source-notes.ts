/** Notes of a source while it is opened and read. */
import { count } from './quantities.ts'
import { printable } from './terminal.ts'
import type { CommandContext } from './command-context.ts'

/** Lines that are shown of what is left out; a folder may leave out thousands. */
const maxShown = 12

export class SourceNotes {
  readonly #context: CommandContext
  #collected: string[] = []
  /** Lines that were not kept. */
  #more = 0
  #say: ((line: string) => void) | null = null

  constructor(context: CommandContext) {
    this.#context = context
  }

  /** Takes a line: kept until `show`, or counted where there are many; then shown at once. */
  readonly add = (line: string): void => {
    if (this.#say) this.#say(line)
    else if (this.#collected.length < maxShown) this.#collected.push(line)
    else this.#more++
  }

  /** Lets another show what is said from now on, such as a progress line. */
  readonly listen = (say: ((line: string) => void) | null): void => {
    this.#say = say
  }

  /** Shows what was kept. */
  show(): void {
    const { status } = this.#context
    for (const line of this.#collected) status.write(`${printable(line)}\n`)
    if (this.#more > 0) status.write(`and ${count(this.#more)} more like these\n`)
    this.#collected = []
    this.#more = 0
  }
}
