/** A network within one process: for one machine, and for tests. */
import { matches } from '../subject.ts'
import type { Message, Subscription, Transport } from '../transport.ts'
import { InProcessTransport } from './in-process-transport.ts'

/** A network within one process. */
export interface InProcessNetwork {
  /** A transport of a new member of the network. */
  connect(): Transport
  /**
   * Resolves when all that was published has been handled, and what was published by that, too. Of requests it
   * knows nothing: they are awaited where they are made.
   */
  settled(): Promise<void>
}

/**
 * A network within one process. Messages come in the order in which they were published, to subscriptions in
 * the order in which they were made; the members of a group take turns, and so do those who respond. So a
 * program that waits for nothing from outside runs in the same order every time.
 */
export function inProcessNetwork(): InProcessNetwork {
  const exchange = new Exchange()
  return { connect: () => new InProcessTransport(exchange), settled: () => exchange.settled() }
}

/** One who listens or responds. */
interface Party extends Subscription {
  readonly pattern: string
  readonly group: string | undefined
}

/** One who listens; takes a message in its turn. */
export interface Listener extends Party {
  readonly take: (message: Message) => Promise<void>
}

/** One who responds. */
export interface Responder extends Party {
  readonly answer: (message: Message) => Promise<Uint8Array>
}

/** Who listens and who responds, and what is on its way. */
export class Exchange {
  readonly listeners: Listener[] = []
  readonly responders: Responder[] = []
  readonly #turns = new Map<string, number>()
  readonly #handling = new Set<Promise<void>>()

  async settled(): Promise<void> {
    while (this.#handling.size > 0) await Promise.all(this.#handling)
  }

  publish(message: Message): void {
    for (const listener of this.#meant(this.listeners, message.subject)) {
      const handling = listener.take(copied(message)).finally(() => this.#handling.delete(handling))
      this.#handling.add(handling)
    }
  }

  /** Whose turn it is to respond; undefined if nobody does. */
  responderFor(subject: string): Responder | undefined {
    return this.#meant(this.responders, subject).at(0)
  }

  /** In the order in which they came: everyone without a group, and of each group the one whose turn it is. */
  #meant<P extends Party>(all: readonly P[], subject: string): P[] {
    const meant = all.filter(({ pattern }) => matches(pattern, subject))
    const groups = new Set(meant.flatMap((party) => nameOf(party) ?? []))
    const chosen = Array.from(groups, (name) => {
      const members = meant.filter((party) => nameOf(party) === name)
      const turn = this.#turns.get(name) ?? 0
      this.#turns.set(name, turn + 1)
      return members[turn % members.length]
    })
    return meant.filter((party) => party.group === undefined || chosen.includes(party))
  }
}

/** A group is of those who listen to the same. */
const nameOf = ({ group, pattern }: Party): string | undefined => group && `${group} ${pattern}`

/** The same message in bytes of its own: neither side sees what the other does with them. */
const copied = ({ subject, payload }: Message): Message => ({ subject, payload: new Uint8Array(payload) })
