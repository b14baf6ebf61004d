/** The contract of a log, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { type CheckResult, isSame, statements } from '@burgeon/tensor/testing'
import { LogError } from '../errors.ts'
import { aLog, type Log, type LogEntry } from '../seams/log.ts'
import { maxPayload } from '../seams/payload.ts'
import { drawn, isSameBytes, sliceless } from './check-blobs.ts'
import { aPatience, complaintWithin, type Patience, unrejected } from './patience.ts'

type Tried = (one: Log, other: Log) => Promise<string | null>

const promises: readonly (readonly [string, Tried])[] = [
  ['numbers entries from 1 on without gaps, the same for all', numbersOtherwise],
  ['keeps payload, id and author of an entry, few bytes and many', changesEntries],
  ['appends an entry of a known id once, whatever its writer expects', doubles],
  ['takes an id for that of its author, and of nobody else', mixesAuthors],
  ['refuses an entry that expects another end, and appends nothing', ignoresExpectation],
  ['gives every one of many writers at once a position of its own', mixesWriters],
  ['lets one of several win that expect the same end', letsSeveralWin],
  ['reads from any position to the present end', readsOtherwise],
  ['goes on with entries that come while somebody waits, until that ends', waitsOtherwise],
  ['refuses what is no payload, id or position, with an OptionError', takesAnything],
  ['is of no use after it was closed, and nobody waits for it', outlivesItself],
]

/**
 * Checks a log.
 *
 * @param make Makes an empty log and opens it twice, as two processes would; one that has no other way of being
 *   opened is returned twice.
 * @throws OptionError if `make` does not return two, and for an expectation that does not exist.
 * @example
 * ```ts
 * const make = (): [Log, Log] => {
 *   const log = memoryLog()
 *   return [log, log]
 * }
 * for (const { statement, holds, detail } of await checkLog(make)) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkLog(
  make: () => readonly [Log, Log] | Promise<readonly [Log, Log]>,
  expectation: Patience = {},
): Promise<CheckResult[]> {
  checkArgument('checkLog', 'make', make, checks.callback('a function that makes a log, opened twice'))
  checkOptions('checkLog', expectation, { patience: aPatience })
  const { patience = 10_000 } = expectation
  const complaints: [string, () => string | null][] = []
  for (const [promise, complaint] of promises) {
    const opened = await make()
    checkArgument('checkLog', 'from make', opened, checks.pair('two logs', aLog))
    const said = await complaintWithin(patience, () => complaint(...opened))
    await Promise.all(opened.map((log) => log.close()))
    complaints.push([promise, () => said])
  }
  return statements('the log', complaints)
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)

async function entriesOf(log: Log, from = 1): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of log.read(from)) entries.push(entry)
  return entries
}

async function numbersOtherwise(one: Log, other: Log): Promise<string | null> {
  if ((await one.last()) !== 0) return 'a new one is not empty'
  for (let i = 1; i <= 6; i++) {
    const { position, isNew } = await (i % 2 ? one : other).append(bytes(i))
    if (position !== i || !isNew) return `entry ${i} is at ${position}, new: ${isNew}`
  }
  for (const log of [one, other]) {
    const seen = (await entriesOf(log)).map(({ position, payload }) => [position, ...payload])
    if (
      !isSame(
        seen,
        [1, 2, 3, 4, 5, 6].map((i) => [i, i]),
      )
    )
      return `it reads ${seen.join(' ')}`
    if ((await log.last()) !== 6) return `its last is ${await log.last()} after six`
  }
  return null
}

async function changesEntries(one: Log, other: Log): Promise<string | null> {
  const given = sliceless(bytes(1, 2, 3))
  await one.append(given, { id: 'first: ä/b c', author: 'some-body_1' })
  given.fill(0)
  await one.append(bytes())
  await one.append(drawn(maxPayload))
  const [first, second, third] = await entriesOf(other)
  if (first.id !== 'first: ä/b c') return `the id came back as ${first.id}`
  if (first.author !== 'some-body_1') return `the author came back as ${first.author}`
  if (second.id !== null) return `an entry without an id has ${second.id}`
  if (second.author !== null) return `an entry of nobody has the author ${second.author}`
  const isKept = isSameBytes(first.payload, bytes(1, 2, 3)) && second.payload.length === 0
  if (!isKept || !isSameBytes(third.payload, drawn(maxPayload))) return 'a payload came back as another'
  first.payload.fill(0)
  const [again] = await entriesOf(one)
  return isSameBytes(again.payload, bytes(1, 2, 3))
    ? null
    : 'an entry changes when a reader changes its bytes'
}

async function doubles(one: Log, other: Log): Promise<string | null> {
  await one.append(bytes(1), { id: 'a' })
  await one.append(bytes(2), { id: 'b', after: 1 })
  for (const [log, options] of [
    [one, { id: 'a' }],
    [other, { id: 'a' }],
    [other, { id: 'a', after: 0 }],
  ] as const) {
    const { position, isNew } = await log.append(bytes(1), options)
    if (position !== 1 || isNew) return `said again, an entry is at ${position}, new: ${isNew}`
  }
  return (await one.last()) === 2 ? null : `it has ${await one.last()} entries after two, one said four times`
}

async function mixesAuthors(one: Log, other: Log): Promise<string | null> {
  const authors = ['a', undefined, 'b']
  for (const [i, author] of [...authors, ...authors].entries()) {
    const options = { id: 'same', ...(author !== undefined && { author }) }
    const { position, isNew } = await (i % 2 ? one : other).append(bytes(i), options)
    const isFirst = i < authors.length
    if (position !== (i % authors.length) + 1 || isNew !== isFirst)
      return `of ${author ?? 'nobody'} it is at ${position}, new: ${isNew}`
  }
  const seen = (await entriesOf(one)).map(({ author, id }) => `${author} ${id}`)
  return isSame(seen, ['a same', 'null same', 'b same']) ? null : `it reads ${seen.join(', ')}`
}

async function ignoresExpectation(one: Log, other: Log): Promise<string | null> {
  await one.append(bytes(1), { after: 0 })
  for (const after of [0, 2, 7]) {
    const append = (): Promise<unknown> => other.append(bytes(9), { after, id: `after ${after}` })
    const complaint = await unrejected(`an entry after ${after} of one`, append, LogError)
    if (complaint !== null) return complaint
  }
  const { position, isNew } = await other.append(bytes(2), { after: 1, id: 'after 7' })
  return position === 2 && isNew ? null : 'an entry that was refused is known'
}

async function mixesWriters(one: Log, other: Log): Promise<string | null> {
  const count = 40
  const appended = await Promise.all(
    Array.from({ length: count }, (_, i) => (i % 2 ? one : other).append(bytes(i), { id: `${i}` })),
  )
  const entries = await entriesOf(one)
  if (entries.length !== count) return `it has ${entries.length} entries of ${count}`
  const wrong = appended.findIndex(({ position }, i) => entries[position - 1]?.id !== `${i}`)
  return wrong < 0 ? null : `entry ${wrong} is not at ${appended[wrong].position}`
}

async function letsSeveralWin(one: Log, other: Log): Promise<string | null> {
  const tries = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => (i % 2 ? one : other).append(bytes(i), { after: 0 })),
  )
  const won = tries.filter(({ status }) => status === 'fulfilled').length
  return won === 1 && (await one.last()) === 1 ? null : `${won} of ten that expected an empty log have won`
}

async function readsOtherwise(one: Log, other: Log): Promise<string | null> {
  for (let i = 1; i <= 5; i++) await one.append(bytes(i))
  for (let from = 1; from <= 7; from++) {
    const seen = (await entriesOf(other, from)).map(({ position }) => position)
    const expected = [1, 2, 3, 4, 5].filter((position) => position >= from)
    if (!isSame(seen, expected)) return `from ${from} on it reads ${seen.join()}`
  }
  return null
}

async function waitsOtherwise(one: Log, other: Log): Promise<string | null> {
  await one.append(bytes(1))
  const until = new AbortController()
  const seen: number[] = []
  for await (const { position } of other.read(1, { until: until.signal })) {
    seen.push(position)
    if (position < 4) await one.append(bytes(position + 1))
    else until.abort()
  }
  if (!isSame(seen, [1, 2, 3, 4])) return `who waits has seen ${seen.join()} of 1 to 4`
  // Somebody who waits for what never comes is let go.
  const late = new AbortController()
  const waiting = other.read(5, { until: late.signal })[Symbol.asyncIterator]().next()
  late.abort()
  return (await waiting).done ? null : 'it made up an entry'
}

async function takesAnything(log: Log): Promise<string | null> {
  const wrong: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['a text', () => log.append('text' as never)],
    ['too many bytes', () => log.append(new Uint8Array(maxPayload + 1))],
    ['an empty id', () => log.append(bytes(1), { id: '' })],
    ['a long id', () => log.append(bytes(1), { id: 'x'.repeat(201) })],
    ['a position before the first', () => log.append(bytes(1), { after: -1 })],
    ['an option that does not exist', () => log.append(bytes(1), { colour: 1 } as never)],
    ['reading from 0', () => entriesOf(log, 0)],
    ['reading from 1.5', () => entriesOf(log, 1.5)],
  ]
  for (const [what, tried] of wrong) {
    const complaint = await unrejected(what, tried, OptionError)
    if (complaint !== null) return complaint
  }
  return (await log.last()) === 0 ? null : 'something was appended'
}

async function outlivesItself(one: Log, other: Log): Promise<string | null> {
  const waiting = one.read(1, { until: new AbortController().signal })[Symbol.asyncIterator]().next()
  await Promise.all([one.close(), other.close()])
  await one.close()
  if (!(await waiting).done) return 'somebody who waited got an entry'
  for (const [what, tried] of [
    ['an entry for a closed log', () => one.append(bytes(1))],
    ['to read a closed log', () => entriesOf(one)],
    ['to ask a closed log for its end', () => one.last()],
  ] as const) {
    const complaint = await unrejected(what, tried, LogError)
    if (complaint !== null) return complaint
  }
  return null
}
