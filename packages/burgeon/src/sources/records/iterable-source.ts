/** Records of a program's own. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { RecordSource, SourceRecord } from './record-source.ts'

/**
 * A source of anything that gives records. It is read once, and only as fast as they are learnt.
 *
 * @param name What its records say of where they came from.
 * @example
 * ```ts
 * async function* notes() {
 *   yield { id: '1', text: 'It rained.' }
 * }
 * const source = recordsFrom('diary', notes())
 * ```
 */
export function recordsFrom(name: string, records: AsyncIterable<SourceRecord>): RecordSource {
  checkArgument('recordsFrom', 'name', name, checks.text)
  checkArgument('recordsFrom', 'records', records, someRecords)
  return { name, reopens: false, open: () => records }
}

const someRecords = checks.role<AsyncIterable<SourceRecord>>('records as they come', Symbol.asyncIterator)
