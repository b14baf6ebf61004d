/** Sinks beside a life: they hear of every step, and no failure of theirs ends the learning. */
import { recordOf, type Sink, SinkError } from '@burgeon/continual'
import type { SessionWatcher } from '../run-session.ts'

/** A sink, and what people call it: its file or folder. */
export interface NamedSink {
  readonly place: string
  readonly sink: Sink
}

type Note = (text: string) => void

/**
 * Runs `body` with a watcher that writes every step into the sinks, and closes them. A sink that fails is said
 * once and left alone from then on; what it holds by then stays. Before a checkpoint is written, sinks have
 * the disk keep what they hold, so that none lacks a step that the checkpoint has.
 *
 * @returns The exit code of `body`; 1 in the place of 0 if a sink has failed.
 */
export async function withSinks(
  sinks: readonly NamedSink[],
  note: Note,
  body: (watcher: SessionWatcher) => Promise<number>,
): Promise<number> {
  let working = sinks
  const all = async (what: (sink: Sink) => Promise<void>, say: Note, also: string): Promise<void> => {
    for (const each of working) {
      await what(each.sink).catch((error: unknown) => {
        if (!(error instanceof SinkError)) throw error
        working = working.filter((other) => other !== each)
        say(`${each.place}: ${error.message}${also}`)
      })
    }
  }
  const goesOn = ' Learning goes on without it.'
  let code = 1
  try {
    code = await body({
      step: (report, say) => all((sink) => sink.write(recordOf(report)), say, goesOn),
      saving: (say) => all((sink) => sink.flush(), say, goesOn),
      saved() {},
    })
  } finally {
    await all((sink) => sink.close(), note, '')
    // Those that failed before have said so.
    for (const { sink } of sinks) await sink.close().catch(() => {})
  }
  return working.length === sinks.length ? code : code || 1
}
