/** The contract of a transport, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { type CheckResult, isSame, statements } from '@burgeon/tensor/testing'
import { TransportError } from '../errors.ts'
import { maxPayload } from '../seams/payload.ts'
import { aTransport, type Message, type Transport } from '../seams/transport.ts'
import { drawn, isSameBytes, sliceless } from './check-blobs.ts'
import { bytes, Heard, upTo } from './heard.ts'
import { aPatience, complaintWithin, type Patience, unrejected } from './patience.ts'
import { answersOtherwise, hidesFailure, waitsForEver } from './transport-requests.ts'

type Tried = (one: Transport, other: Transport) => Promise<string | null>

const promises: readonly (readonly [string, Tried])[] = [
  ['brings what is published to all who listen, in order', losesOrder],
  ['brings the bytes that were sent, few and many', changesBytes],
  ['hands over one message at a time', overlaps],
  ['goes on after a message that could not be handled', stopsAtErrors],
  ['knows which subjects a pattern stands for', matchesOtherwise],
  ['brings a message to one of a group, and to all who are in none', splitsOtherwise],
  ['brings nothing to a subscription that was closed', outlivesSubscription],
  ['answers a request once, by one who responds', answersOtherwise],
  ['brings the failure of who answers to who asked', hidesFailure],
  ['says that nobody answers, and stops waiting when it is told to', waitsForEver],
  ['refuses what is no subject, pattern or payload, with an OptionError', takesAnything],
  ['is of no use after it was closed, and nobody waits for it', outlivesItself],
]

/**
 * Checks a transport.
 *
 * @param make Connects two members of a network on which nothing else goes on.
 * @throws OptionError if `make` does not return two, and for an expectation that does not exist.
 * @example
 * ```ts
 * const make = (): [Transport, Transport] => {
 *   const network = inProcessNetwork()
 *   return [network.connect(), network.connect()]
 * }
 * for (const { statement, holds, detail } of await checkTransport(make)) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkTransport(
  make: () => readonly [Transport, Transport] | Promise<readonly [Transport, Transport]>,
  expectation: Patience = {},
): Promise<CheckResult[]> {
  checkArgument('checkTransport', 'make', make, checks.callback('a function that connects two transports'))
  checkOptions('checkTransport', expectation, { patience: aPatience })
  const { patience = 10_000 } = expectation
  const complaints: [string, () => string | null][] = []
  for (const [promise, complaint] of promises) {
    const members = await make()
    checkArgument('checkTransport', 'from make', members, checks.pair('two transports', aTransport))
    const said = await complaintWithin(patience, () => complaint(...members))
    await Promise.all(members.map((member) => member.close()))
    complaints.push([promise, () => said])
  }
  return statements('the transport', complaints)
}

async function losesOrder(one: Transport, other: Transport): Promise<string | null> {
  const [a, b] = [new Heard(), new Heard()]
  await one.subscribe('news', a.note)
  await other.subscribe('news', b.note)
  await one.publish('elsewhere', bytes(99))
  for (const i of upTo(30)) await one.publish('news', bytes(i))
  await Promise.all([a.until(30), b.until(30)])
  return isSame(a.first, upTo(30)) && isSame(b.first, upTo(30)) ? null : `one heard ${a.first.join()}`
}

async function changesBytes(one: Transport, other: Transport): Promise<string | null> {
  const [a, b] = [new Heard(), new Heard()]
  const spoil = (message: Message): void => {
    a.note({ ...message, payload: message.payload.slice() })
    message.payload.fill(0)
  }
  await other.subscribe('news', spoil)
  await other.subscribe('news', b.note)
  const given = sliceless(drawn(100))
  await one.publish('news', given)
  given.fill(0)
  await one.publish('news', bytes())
  await one.publish('news', drawn(maxPayload))
  await Promise.all([a.until(3), b.until(3)])
  for (const { messages } of [a, b]) {
    const [few, none, many] = messages.map(({ payload }) => payload)
    if (messages.some(({ subject }) => subject !== 'news')) return 'a subject came as another'
    if (!isSameBytes(few, drawn(100)))
      return 'bytes changed after they were sent, or by another who heard them'
    if (none.length > 0 || !isSameBytes(many, drawn(maxPayload))) return 'bytes came as others'
  }
  return null
}

async function overlaps(one: Transport, other: Transport): Promise<string | null> {
  let [inside, most] = [0, 0]
  const heard = new Heard()
  await other.subscribe('news', async (message) => {
    most = Math.max(most, ++inside)
    await new Promise((resolve) => setTimeout(resolve, 1))
    inside--
    heard.note(message)
  })
  for (const i of upTo(5)) await one.publish('news', bytes(i))
  await heard.until(5)
  return most === 1 && isSame(heard.first, upTo(5)) ? null : `${most} messages were handled at a time`
}

async function stopsAtErrors(one: Transport, other: Transport): Promise<string | null> {
  const heard = new Heard()
  await other.subscribe('news', (message) => {
    heard.note(message)
    if (message.payload[0] === 0) throw new TransportError('cannot be handled')
    return Promise.reject(new TransportError('cannot be handled, and is said later'))
  })
  for (const i of upTo(3)) await one.publish('news', bytes(i))
  await heard.until(3)
  return null
}

async function matchesOtherwise(one: Transport, other: Transport): Promise<string | null> {
  const subjects = ['a', 'a.b', 'a.c', 'a.b.c', 'b.a']
  const expected = { 'a.*': 'a.b a.c', 'a.>': 'a.b a.c a.b.c', '*.a': 'b.a', 'a.*.c': 'a.b.c', a: 'a' }
  const heard = Object.keys(expected).map((pattern) => [pattern, new Heard()] as const)
  for (const [pattern, { note }] of heard) await other.subscribe(pattern, note)
  // Twice: what a pattern should not have heard came before what it hears in the second round.
  for (const subject of [...subjects, ...subjects]) await one.publish(subject, bytes(1))
  for (const [pattern, own] of heard) {
    const said = expected[pattern as keyof typeof expected]
    await own.until(2 * said.split(' ').length)
    const got = own.messages.map(({ subject }) => subject).join(' ')
    if (got !== `${said} ${said}`) return `${pattern} heard ${got}; expected ${said}, twice`
  }
  return null
}

async function splitsOtherwise(one: Transport, other: Transport): Promise<string | null> {
  const [a, b, alone, both] = [new Heard(), new Heard(), new Heard(), new Heard()]
  for (const [member, { note }] of [
    [one, a],
    [other, b],
  ] as const) {
    const hear = (message: Message): void => {
      note(message)
      both.note(message)
    }
    await member.subscribe('work', hear, { group: 'workers' })
  }
  await other.subscribe('work', alone.note)
  for (const i of upTo(30)) await one.publish('work', bytes(i))
  await Promise.all([both.until(30), alone.until(30)])
  await one.publish('work', bytes(30))
  await Promise.all([both.until(31), alone.until(31)])
  const got = both.first.toSorted((x, y) => x - y)
  if (!isSame(got, upTo(31))) return `of 31 messages a group of two heard ${got.length}`
  if (!isSame(alone.first, upTo(31))) return `one who was in no group heard ${alone.first.length} of 31`
  return a.messages.length > 0 && b.messages.length > 0 ? null : 'one of the group heard all'
}

async function outlivesSubscription(one: Transport, other: Transport): Promise<string | null> {
  const [closed, open] = [new Heard(), new Heard()]
  const subscription = await other.subscribe('news', closed.note)
  await other.subscribe('news', open.note)
  await one.publish('news', bytes(0))
  await Promise.all([closed.until(1), open.until(1)])
  await subscription.close()
  await subscription.close()
  await one.publish('news', bytes(1))
  await open.until(2)
  return closed.messages.length === 1 ? null : 'it heard what was published after it was closed'
}

async function takesAnything(one: Transport): Promise<string | null> {
  const listen = (): void => {}
  const wrong: (readonly [string, () => Promise<unknown>])[] = [
    ['a text as payload', () => one.publish('a', 'text' as never)],
    ['too many bytes', () => one.publish('a', new Uint8Array(maxPayload + 1))],
    ['no function', () => one.subscribe('a', 3 as never)],
    ['a group of two words', () => one.subscribe('a', listen, { group: 'a b' })],
    ['an option that does not exist', () => one.subscribe('a', listen, { colour: 1 } as never)],
  ]
  for (const subject of ['', ' ', '.', 'a.', 'a b', 'a.*', 'a.>', 'ä', null, 3] as string[]) {
    wrong.push([`to publish on ${subject}`, () => one.publish(subject, bytes(1))])
    wrong.push([`to ask ${subject}`, () => one.request(subject, bytes(1))])
  }
  for (const pattern of ['', 'a..b', 'a.>.b', '>.a', 'a*', null] as string[]) {
    wrong.push([`to listen to ${pattern}`, () => one.subscribe(pattern, listen)])
    wrong.push([`to respond on ${pattern}`, () => one.respond(pattern, () => bytes(1))])
  }
  for (const [what, tried] of wrong) {
    const complaint = await unrejected(what, tried, OptionError)
    if (complaint !== null) return complaint
  }
  return null
}

async function outlivesItself(one: Transport, other: Transport): Promise<string | null> {
  const heard = new Heard()
  await one.subscribe('news', heard.note)
  await one.respond('ask', () => new Promise(() => {}))
  await other.respond('wait', () => new Promise(() => {}))
  const unanswered = unrejected(
    'a request to one who has gone',
    () => other.request('ask', bytes(1)),
    TransportError,
  )
  const left = unrejected(
    'a request of one who has gone',
    () => one.request('wait', bytes(1)),
    TransportError,
  )
  // Both are on their way.
  await other.publish('news', bytes(0))
  await heard.until(1)
  await one.close()
  await one.close()
  const complaint = (await unanswered) ?? (await left)
  if (complaint !== null) return complaint
  await other.publish('news', bytes(1))
  for (const [what, tried] of [
    ['to publish on a closed one', () => one.publish('a', bytes(1))],
    ['to listen on a closed one', () => one.subscribe('a', () => {})],
    ['to respond on a closed one', () => one.respond('a', () => bytes(1))],
    ['to ask on a closed one', () => one.request('a', bytes(1))],
  ] as const) {
    const refused = await unrejected(what, tried, TransportError)
    if (refused !== null) return refused
  }
  return heard.messages.length === 1 ? null : 'it heard what was published after it was closed'
}
