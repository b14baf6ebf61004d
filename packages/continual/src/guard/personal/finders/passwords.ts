/**
 * Passwords and secrets that are said to be some: `password = …`, `"api_key": "…"`, `https://name:…@host`.
 */
import { isGap, type Scan } from './scan.ts'
import { entropyOf } from './secrets.ts'

/** Ends of names behind which anything is a secret. */
const strong = [
  ...[
    'password',
    'passwd',
    'passwort',
    'pwd',
    'passphrase',
    'kennwort',
    'contraseña',
    'passcode',
    'motdepasse',
  ],
  ...['api_key', 'apikey', 'api-key', 'secret_key', 'secretkey', 'secret-key', 'access_key', 'accesskey'],
  ...[
    'access_token',
    'auth_token',
    'client_secret',
    'clientsecret',
    'private_key',
    'refresh_token',
    'mot de passe',
  ],
]
/** Ends of names that programs have for other things as well. */
const weak = ['token', 'secret', 'pass', 'credential', 'pin', 'apitoken']

const [least, leastWeak, most] = [4, 8, 256]
/** Longest name that is looked at. */
const mostName = 48

/** Values behind such names. */
export function findPasswords(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!isName(scan, at)) continue
    let to = at
    while (isName(scan, to)) to++
    const name = scan.before(to, mostName).slice(-Math.min(to - at + 12, mostName))
    const isStrong = strong.some((end) => name.endsWith(end))
    if (isStrong || weak.some((end) => name.endsWith(end))) {
      const value = valueBehind(scan, to)
      if (value !== null && isSecret(scan, value, isStrong)) {
        scan.add('password', value.from, value.to)
        to = value.to
      }
    }
    at = to
  }
}

const isName = (scan: Scan, at: number): boolean =>
  scan.isWord(at) || (scan.code(at) === 45 && scan.isWord(at - 1) && scan.isWord(at + 1))

interface Value {
  readonly from: number
  readonly to: number
  readonly sign: '=' | ':' | 'is'
  readonly isQuoted: boolean
}

const [quote, single, tick, colon, equals, above] = [34, 39, 96, 58, 61, 62]
const isQuote = (code: number): boolean => code === quote || code === single || code === tick

/** What is assigned to a name that ends at a place; null if nothing is. */
function valueBehind(scan: Scan, end: number): Value | null {
  let at = end
  if (isQuote(scan.code(at))) at++
  at = overGaps(scan, at)
  let sign: Value['sign']
  const code = scan.code(at)
  if (code === colon || code === equals) {
    // `:=`, `==` and `=>` are assignments or tests; `::` joins names.
    sign = code === colon && scan.code(at + 1) !== equals ? ':' : '='
    if (scan.code(at + 1) === colon) return null
    at++
    if (scan.code(at) === equals) at++
    if (scan.code(at) === above) at++
  } else if (scan.has('is ', at, true) || scan.has('ist ', at, true)) {
    sign = 'is'
    at = scan.text.indexOf(' ', at)
    if (scan.code(at + 1) === colon) at++
  } else return null
  at = overGaps(scan, at)
  if (isQuote(scan.code(at))) {
    const from = at + 1
    const own = scan.code(at)
    let to = from
    while (to - from < most && to < scan.length && scan.code(to) !== own && scan.code(to) !== 10) to++
    return scan.code(to) === own ? { from, to, sign, isQuoted: true } : null
  }
  let to = at
  while (to - at < most && to < scan.length && !isEnd(scan.code(to))) to++
  // The full stop of a sentence.
  while (to > at && (scan.code(to - 1) === 46 || scan.code(to - 1) === 44 || scan.code(to - 1) === 59)) to--
  return { from: at, to, sign, isQuoted: false }
}

function overGaps(scan: Scan, at: number): number {
  let place = at
  while (place - at < 4 && isGap(scan.code(place))) place++
  return place
}

/** What ends a value without quotes: a blank, a quote, `&`, `;`, `<`, `>`, `)` or `]` or `}`. */
const isEnd = (code: number): boolean =>
  code <= 32 ||
  isQuote(code) ||
  code === 38 ||
  code === 59 ||
  code === 60 ||
  code === 62 ||
  code === 41 ||
  code === 125 ||
  code === 93

/** What stands in the place of a value: types, nothing, and marks for what is to be put there. */
const placeholder =
  /^(?:string|str|text|null|none|nil|undefined|true|false|required|optional|bytes|any|number|secret|password|token|changeme_?|your[-_ ].*|\*+|x+|\.+|%s|%\(\w+\)s|[<[{]\S*[>\]}]|\$\{.*|\$[A-Z_]+|@\w+|[~^]?\d+(?:\.\d+)+|process\.env.*|os\.environ.*|env\b.*|.*\(.*|example.*|redacted)$/i

function isSecret(scan: Scan, { from, to, sign, isQuoted }: Value, isStrong: boolean): boolean {
  const value = scan.slice(from, to)
  if (value.length < (isStrong ? least : leastWeak) || placeholder.test(value)) return false
  if (!isQuoted && placeholder.test(value.replace(/,.*/s, ''))) return false
  // A call or a member of something: code that reads it from elsewhere.
  const after = scan.code(to)
  if (!isQuoted && (after === 40 || /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/.test(value))) return false
  const hasOther = /\d/.test(value) || /[^\p{L}\p{N}\s.,;:'"_-]/u.test(value)
  if (!isStrong)
    return (
      hasOther && /\d/.test(value) && /[A-Za-z]/.test(value) && entropyOf(value) > 2.5 && !/\s/.test(value)
    )
  if (isQuoted) return !/\s.*\s/.test(value)
  if (sign === '=') return hasOther || isQuoted || /[\s&;]/.test(scan.slice(to, to + 1)) || to === scan.length
  return hasOther
}

/** Passwords in addresses: between `://name:` and `@`. */
export function findUrlPasswords(scan: Scan): void {
  for (let at = scan.text.indexOf('://'); at >= 0; at = scan.text.indexOf('://', at + 1)) {
    let [place, sign] = [at + 3, -1]
    const end = Math.min(scan.length, place + most)
    for (; place < end; place++) {
      const code = scan.code(place)
      if (code === 64) {
        if (sign > 0 && place > sign + 1 && !placeholder.test(scan.slice(sign + 1, place)))
          scan.add('password', sign + 1, place)
        break
      }
      if (code === 47 || code <= 32 || isQuote(code)) break
      if (code === colon && sign < 0) sign = place
    }
  }
  scan.steps += scan.length
}
