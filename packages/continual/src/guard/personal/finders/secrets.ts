/**
 * Keys and tokens: by the prefix that their issuer gives them, by their form, or because nobody would say
 * them.
 */
import { kinds, type Scan } from './scan.ts'

/** Shortest run that is looked at, and the longest that may be one secret; longer ones are data. */
const [shortest, longest] = [16, 4096]
/**
 * A token without a known prefix: characters at least and at most, and bits per character that it must pass.
 */
const [leastToken, mostToken, leastEntropy] = [20, 128, 3.5]

/** Beginnings of keys that issuers publish, with the fewest characters that follow. */
const prefixes: readonly (readonly [prefix: string, rest: number])[] = [
  ...(['AKIA', 'ASIA', 'AGPA', 'AIDA', 'AROA'] as const).map((prefix) => [prefix, 16] as const),
  ...(['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'] as const).map((prefix) => [prefix, 36] as const),
  ...(['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xapp-'] as const).map((prefix) => [prefix, 10] as const),
  ...(['sk_live_', 'sk_test_', 'pk_live_', 'pk_test_', 'rk_live_', 'rk_test_', 'whsec_'] as const).map(
    (prefix) => [prefix, 16] as const,
  ),
  ...([
    ['github_pat_', 22],
    ['glpat-', 20],
    ['AIza', 35],
    ['ya29.', 20],
    ['SG.', 40],
    ['npm_', 36],
  ] as const),
  ...([
    ['hf_', 30],
    ['sk-', 20],
    ['gsk_', 20],
    ['xai-', 20],
    ['dop_v1_', 40],
    ['shpat_', 32],
  ] as const),
  ...([
    ['shpss_', 32],
    ['sq0atp-', 22],
    ['sq0csp-', 40],
    ['pypi-', 40],
    ['EAAC', 40],
    ['SK', 32],
  ] as const),
  ...([
    ['AC', 32],
    ['key-', 32],
    ['dckr_pat_', 20],
    ['figd_', 30],
    ['lin_api_', 30],
    ['r8_', 30],
  ] as const),
  ...([
    ['AGE-SECRET-KEY-1', 50],
    ['nvapi-', 40],
    ['pat-', 30],
    ['tskey-', 20],
    ['vercel_', 20],
  ] as const),
]

/** Those prefixes behind which only hexadecimal digits make a key: they begin words, too. */
const hexOnly = new Set(['SK', 'AC', 'key-'])

/** Words before a run that make a key of what might be something else. */
const secretWords =
  /(?:key|token|secret|bearer|auth|authorization|credential|api|session|cookie)[^a-z]{0,4}(?:is |of )?[^a-z]{0,3}$/

/** Keys, tokens and JSON web tokens (RFC 7519). */
export function findSecrets(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.token)) continue
    const to = scan.runTo(at, kinds.token)
    if (to - at >= shortest && !scan.isWord(to)) lookInto(scan, at, to)
    at = to
  }
}

function lookInto(scan: Scan, from: number, to: number): void {
  const run = scan.slice(from, Math.min(to, from + longest))
  // Parts that a key could be: what stands between `=` (not at the end), which also ends `key=value`.
  for (const part of partsOf(run, /[=](?=[^=])/g)) {
    const begin = from + part.from
    const text = part.text.replace(/[./+-]+$/, '')
    const jwt = jwtIn(text)
    if (jwt !== null) {
      scan.add('jwt', begin + jwt.from, begin + jwt.to)
      continue
    }
    const known = prefixedIn(text)
    if (known !== null) {
      scan.add('key', begin + known.from, begin + known.to)
      continue
    }
    if (text.length < leastToken || text.length > mostToken) continue
    if (isDigest(scan.before(begin, 48))) continue
    const isNamed = secretWords.test(scan.before(begin, 24))
    if (isRandom(text, isNamed)) scan.add('key', begin, begin + text.length)
  }
}

interface Part {
  readonly from: number
  readonly text: string
}

function partsOf(run: string, border: RegExp): Part[] {
  const parts: Part[] = []
  let from = 0
  for (const { index } of run.matchAll(border)) {
    parts.push({ from, text: run.slice(from, index) })
    from = index + 1
  }
  return [...parts, { from, text: run.slice(from) }]
}

/** Header and payload are JSON in base64url, which begins with `{"`. */
function jwtIn(text: string): { from: number; to: number } | null {
  const from = text.indexOf('eyJ')
  if (from < 0) return null
  const parts = text.slice(from).split('.')
  const isOne = parts.length >= 2 && parts[0].length >= 10 && parts[1].length >= 4
  if (!isOne || !parts.slice(0, 3).every((part) => !/[+/]/.test(part))) return null
  if (!parts[1].startsWith('eyJ') && parts.length < 5) return null
  const count = parts[1].startsWith('eyJ') ? 3 : 5
  return { from, to: from + parts.slice(0, count).join('.').length }
}

/** A known prefix at the begin of a word. */
function prefixedIn(text: string): { from: number; to: number } | null {
  for (const [prefix, rest] of prefixes) {
    let at = text.indexOf(prefix)
    while (at > 0 && /[A-Za-z0-9]/.test(text[at - 1])) at = text.indexOf(prefix, at + 1)
    if (at < 0) continue
    const behind = text.slice(at + prefix.length)
    const [own] = /^[A-Za-z0-9_.-]*/.exec(behind) ?? ['']
    if (own.length < rest || !/\d/.test(own)) continue
    if (hexOnly.has(prefix) && !/^[0-9a-f]+$/.test(own)) continue
    if (prefix === 'sk-' && !looksRandom(own)) continue
    return { from: at, to: at + prefix.length + own.length }
  }
  return null
}

/**
 * Digits and letters in no order: a word of a language, or of a program, has neither so many changes nor
 * digits.
 */
function isRandom(text: string, isNamed: boolean): boolean {
  if (/^[0-9a-fA-F-]+$/.test(text)) return false
  if (entropyOf(text) <= leastEntropy) return false
  if (text.includes('://') || text.startsWith('/') || text.includes('..')) return false
  return isNamed ? changesIn(text) >= 0.25 * text.length && /\d/.test(text) : looksRandom(text)
}

function looksRandom(text: string): boolean {
  const own = text.replace(/[^A-Za-z0-9]/g, '')
  const hasLetters = /[A-Z]/.test(own) && /[a-z]/.test(own)
  const hasAll = hasLetters && (/\d/.test(own) || (own.length >= 24 && meanRun(own) < 2.2))
  // What is made of words has signs between them.
  const signs = text.length - own.length
  return hasAll && signs <= text.length / 8 && changesIn(own) >= 0.36 * own.length && !isOfWords(own)
}

/** `renderValueByIndex2`: long runs of small letters, and hardly a digit. */
const isOfWords = (text: string): boolean => meanRun(text) >= 3 && text.replace(/\D/g, '').length <= 2

/** How many small letters stand together, in the mean. */
function meanRun(text: string): number {
  const runs = text.match(/[a-z]+/g) ?? []
  return runs.reduce((sum, { length }) => sum + length, 0) / Math.max(1, runs.length)
}

const classOf = (code: number): number => (code >= 97 ? 2 : code >= 65 && code <= 90 ? 1 : code < 58 ? 0 : 3)

/** How often a character is of another class than the one before it. */
function changesIn(text: string): number {
  let count = 0
  for (let i = 1; i < text.length; i++)
    if (classOf(text.charCodeAt(i)) !== classOf(text.charCodeAt(i - 1))) count++
  return count
}

/** Entropy of the characters of a text, in bits for each. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>()
  for (const one of text) counts.set(one, (counts.get(one) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/** What is said to be a digest or data is no secret. */
const isDigest = (before: string): boolean =>
  /(?:sha\d{1,3}[-:]|base64,|md5[-:]|integrity["':= ]{1,4}\S{0,8})$/.test(before)

/** Longest block of a private key that is followed. */
export const longestBlock = 16384

const [opening, closing] = ['-----BEGIN ', '-----END ']

/** Blocks of private keys (RFC 7468); one that has no end goes as far as its lines do. */
export function findPrivateKeys(scan: Scan): void {
  for (let at = scan.text.indexOf(opening); at >= 0; at = scan.text.indexOf(opening, at + 1)) {
    const title = scan.slice(at, at + 64)
    const [head] = /^-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/.exec(title) ?? []
    if (head === undefined) continue
    let to = at + head.length
    const most = Math.min(scan.length, at + longestBlock)
    while (to < most && (scan.is(to, kinds.token | kinds.blank) || isArmour(scan.code(to)))) {
      if (scan.code(to) === 45 && scan.has(closing, to)) {
        const [tail] =
          /^-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/.exec(scan.slice(to, to + 64)) ?? []
        to += tail?.length ?? 0
        break
      }
      to++
    }
    scan.add('private-key', at, to)
    at = to
  }
  scan.steps += scan.length
}

/** What headers of a block have beside letters: `Proc-Type: 4,ENCRYPTED`; and `\n` in a string. */
const isArmour = (code: number): boolean =>
  code === 58 || code === 44 || code === 92 || code === 40 || code === 41
