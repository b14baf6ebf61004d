/** What a source has to say while it is opened and read. */
import { printable } from '../terminal/terminal.ts'
import type { CommandContext } from './command-context.ts'

/** Lines that are shown of what is left out; a folder may leave out thousands. */
const shownAtMost = 12

export class SourceNotes {
  readonly #context: CommandContext
  #collected: string[] = []
  #say: ((line: string) => void) | null = null

  constructor(context: CommandContext) {
    this.#context = context
  }

  /** Takes a line: kept until `show`, then shown at once. */
  readonly add = (line: string): void => {
    if (this.#say) this.#say(line)
    else this.#collected.push(line)
  }

  /** Lets another show what is said from now on, such as a progress line. */
  readonly listen = (say: ((line: string) => void) | null): void => {
    this.#say = say
  }

  /** Shows what was kept. */
  show(): void {
    const { status } = this.#context
    for (const line of this.#collected.slice(0, shownAtMost)) status.write(`${printable(line)}\n`)
    const more = this.#collected.length - shownAtMost
    if (more > 0) status.write(`and ${more} more like these\n`)
    this.#collected = []
  }
}
