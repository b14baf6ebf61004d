/** The latest answers by their names, so that feedback finds what it is about. */

/** An answer as text: that of tokens changes with a rollback. */
export interface KnownAnswer {
  readonly prompt: string
  readonly text: string
}

/** Keeps as many answers as there is room for; the oldest go first. */
export class KnownAnswers {
  readonly #room: { readonly answers: number; readonly characters: number }
  readonly #answers = new Map<string, readonly KnownAnswer[]>()
  #characters = 0

  constructor(room: { readonly answers: number; readonly characters: number }) {
    this.#room = room
  }

  /** Remembers the choices of an answer under its name. */
  remember(id: string, choices: readonly KnownAnswer[]): void {
    this.#answers.set(id, choices)
    this.#characters += lengthOf(choices)
    for (const [oldest, its] of this.#answers) {
      if (this.#answers.size <= this.#room.answers && this.#characters <= this.#room.characters) return
      this.#answers.delete(oldest)
      this.#characters -= lengthOf(its)
    }
  }

  /** The choices of an answer; undefined of one that is not known any more. */
  of(id: string): readonly KnownAnswer[] | undefined {
    return this.#answers.get(id)
  }
}

const lengthOf = (choices: readonly KnownAnswer[]): number =>
  choices.reduce((sum, { prompt, text }) => sum + prompt.length + text.length, 0)
