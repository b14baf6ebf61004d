/** A sink that leads to a function. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { Sink, SinkRecord } from './sink.ts'
import { outputSink } from './output-sink.ts'

/**
 * Hands every record to a function, one after the other; a promise that it returns is waited for.
 *
 * @throws OptionError for what is no function.
 */
export function callbackSink(take: (record: SinkRecord) => unknown): Sink {
  checkArgument('callbackSink', 'take', take, checks.callback('a function that takes a record'))
  return outputSink('callbackSink', { write: take }, (record) => record)
}
