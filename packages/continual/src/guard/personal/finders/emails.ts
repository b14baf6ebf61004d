/** E-mail addresses (RFC 5321), also with letters of other scripts (RFC 6531). */
import { kinds, type Scan } from './scan.ts'

const [dot, hyphen] = [46, 45]
/** Most characters before and behind the sign. */
const [mostLocal, mostDomain] = [64, 255]

/** Endings of file names and code that look like a domain. */
const noDomains = new Set('png jpg jpeg gif svg webp js ts jsx tsx css scss json html md py rs go'.split(' '))

/** Addresses: every `@` is looked at once, and nothing of what stands beside another one. */
export function findEmails(scan: Scan): void {
  for (let sign = scan.text.indexOf('@'); sign >= 0; sign = scan.text.indexOf('@', sign + 1)) {
    const from = localFrom(scan, sign)
    const to = domainTo(scan, sign + 1)
    if (from < sign && to > sign) scan.add('email', from, to)
  }
  scan.steps += scan.length
}

function localFrom(scan: Scan, sign: number): number {
  let from = sign
  while (sign - from < mostLocal && isLocal(scan, from - 1)) from--
  // `mailto:`, a quote or a key before it is no part of it, nor are signs that begin no address.
  const local = scan.slice(from, sign)
  const cut = Math.max(local.lastIndexOf('='), local.lastIndexOf('/'), local.lastIndexOf('{'))
  from += cut + 1
  while (from < sign && !scan.isWord(from) && scan.code(from) < 128) from++
  return scan.code(sign - 1) === dot ? sign : from
}

const isLocal = (scan: Scan, place: number): boolean =>
  scan.is(place, kinds.local) || isLetter(scan.code(place))

/** A letter that is no ASCII, or half of one. */
const isLetter = (code: number): boolean =>
  code >= 0xc0 && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x3000 && code <= 0x303f) && code < 0xfe00

/** Where the domain ends; −1 if there is none with a dot in it and letters behind that. */
function domainTo(scan: Scan, begin: number): number {
  let [to, label, lastDot] = [begin, begin, -1]
  while (to - begin < mostDomain) {
    const code = scan.code(to)
    if (code === dot && to > label) [lastDot, label] = [to, to + 1]
    else if (!(scan.is(to, kinds.digit | kinds.upper | kinds.lower) || code === hyphen || isLetter(code)))
      break
    else if (to - label >= 63) break
    to++
  }
  while (to > begin && (scan.code(to - 1) === dot || scan.code(to - 1) === hyphen)) to--
  lastDot = scan.slice(begin, to).lastIndexOf('.')
  if (lastDot <= 0) return -1
  const ending = scan.slice(begin + lastDot + 1, to).toLowerCase()
  const first = scan.slice(begin, begin + lastDot)
  if (ending.length < 2 || /\d/.test(ending[0]) || (noDomains.has(ending) && /^\dx/.test(first))) return -1
  return to
}
