/** What looks like personal data and is none: identifiers, digests, books, dates, versions, numbers, source code. */
import { base62, type Draw, drawer, ibanOf, withLuhn } from './drawing.ts'
import { inSentence, type PlacedItem } from './personal-items.ts'

const [digits, hex] = ['0123456789', '0123456789abcdef']
const two = (n: number): string => String(n).padStart(2, '0')

function uuid(draw: Draw): string {
  const whole = [8, 4, 4, 4, 12].map((length) => draw.text(hex, length)).join('-')
  return draw.of([whole, whole.toUpperCase(), `{${whole}}`])
}

const digest = (draw: Draw): string =>
  draw.of([
    () => draw.text(hex, 32),
    () => draw.text(hex, 40),
    () => draw.text(hex, 64),
    () => `a${draw.text(hex, 6)}`,
    () => `sha512-${draw.text(`${base62}+/`, 86)}==`,
    () => `sha256:${draw.text(hex, 64)}`,
  ])()

function book(draw: Draw): string {
  if (draw.below(2) === 0) {
    const number = draw.text(digits, 9)
    const sum = Array.from(number).reduce((total, one, i) => total + (10 - i) * Number(one), 0)
    const check = (11 - (sum % 11)) % 11
    return `ISBN ${number[0]}-${number.slice(1, 4)}-${number.slice(4)}-${check === 10 ? 'X' : check}`
  }
  const number = `978${draw.text(digits, 9)}`
  const sum = Array.from(number).reduce((total, one, i) => total + (i % 2 === 0 ? 1 : 3) * Number(one), 0)
  const whole = `${number}${(10 - (sum % 10)) % 10}`
  const [a, b, c, d] = [whole.slice(0, 3), whole.slice(3, 4), whole.slice(4, 8), whole.slice(8, 12)]
  return draw.of([
    whole,
    `${a}-${b}-${c}-${d}-${whole.slice(12)}`,
    `ISBN-13: ${a} ${b} ${c} ${d} ${whole.slice(12)}`,
  ])
}

function date(draw: Draw): string {
  const [year, month, day] = [1900 + draw.below(140), 1 + draw.below(12), 1 + draw.below(28)]
  const time = `${two(draw.below(24))}:${two(draw.below(60))}:${two(draw.below(60))}`
  return draw.of([
    `${year}-${two(month)}-${two(day)}`,
    `${two(day)}.${two(month)}.${year}`,
    `${month}/${day}/${year}`,
    `${year}-${two(month)}-${two(day)}T${time}Z`,
    `${year}-${two(month)}-${two(day)} ${time}.${draw.text(digits, 3)}`,
    `${year}${two(month)}${two(day)}-${time.replaceAll(':', '')}`,
    `${time} - ${two(draw.below(24))}:${two(draw.below(60))}:00`,
    `from ${year} to ${year + draw.below(40)}`,
  ])
}

const version = (draw: Draw): string => {
  const one = (): string => String(draw.below(40))
  return draw.of([
    `v${one()}.${one()}.${one()}`,
    `${one()}.${one()}.${one()}-beta.${one()}`,
    `version ${one()}.${one()}.${one()}.${one()}`,
    `v${one()}.${one()}.${one()}.${one()}`,
    `lodash@${one()}.${one()}.${one()}`,
    `"^${one()}.${one()}.${one()}"`,
    `Chrome/${60 + draw.below(60)}.0.${draw.number(4)}.${draw.below(200)}`,
    `node:${one()}-alpine${one()}`,
  ])
}

const constant = (draw: Draw): string =>
  draw.of([
    `const MAX_SAFE = 9007199254740991`,
    `0x${draw.text(hex.toUpperCase(), 8)}`,
    `0x${draw.text(hex, 16)}n`,
    `#${draw.text(hex, 6)}`,
    `1_${draw.text(digits, 3)}_${draw.text(digits, 3)}`,
    `3.${draw.text(digits, 15)}`,
    `6.${draw.text(digits, 8)}e-${draw.number(2)}`,
    `seed = ${draw.number(10)}`,
    `[${draw.number(3)}, ${draw.number(3)}, ${draw.number(4)}]`,
    `0b${draw.text('01', 16)}`,
  ])

const words = [
  'parse',
  'stream',
  'buffer',
  'token',
  'node',
  'render',
  'value',
  'index',
  'cache',
  'query',
  'handle',
]
const capital = (word: string): string => word[0].toUpperCase() + word.slice(1)

const sourceCode = (draw: Draw): string => {
  const [a, b, c] = [draw.of(words), draw.of(words), draw.of(words)]
  return draw.of([
    `${a}${capital(b)}${capital(c)}By${capital(draw.of(words))}Index2`,
    `src/${a}/${b}-${c}/${a}${capital(c)}.test.ts`,
    'password: string',
    'password = getPassword()',
    `const password = process.env.${a.toUpperCase()}_PASSWORD`,
    `token = next_${a}()`,
    `password: \${${a}}`,
    `@media (max-width: ${draw.number(3)}px)`,
    `${a}@2x.png`,
    `std::${b}::${c}`,
    `${a.toUpperCase()}_${b.toUpperCase()}_${c.toUpperCase()}_${draw.number(3)}`,
    `npm i @${a}/${b}`,
    `if (passwordLength < ${draw.number(2)}) {`,
  ])
}

const number = (draw: Draw): string =>
  draw.of([
    () => `$${draw.number(1)},${draw.text(digits, 3)},${draw.text(digits, 3)}.${draw.text(digits, 2)}`,
    () => `17${draw.text(digits, 8)}`,
    () => `17${draw.text(digits, 11)}`,
    () => `order ${draw.number(9)}`,
    () => `${draw.number(2)}.${draw.text(digits, 6)}, -${draw.number(2)}.${draw.text(digits, 6)}`,
    () => `pp. ${100 + draw.below(200)}-${300 + draw.below(200)}`,
    () => `${1 + draw.below(9)} ${draw.text(digits, 3)} ${draw.text(digits, 3)} people`,
    () => `Genesis ${1 + draw.below(50)}:${1 + draw.below(30)}`,
    () => `10.${draw.number(4)}/j.cell.20${draw.number(2)}.${draw.number(2)}.${draw.text(digits, 3)}`,
    () => `arXiv:${draw.number(4)}.${draw.text(digits, 5)}`,
    () => `ISSN ${draw.number(4)}-${draw.text(digits, 4)}`,
    () => `/status/1${draw.text(digits, 18)}`,
    () => `${draw.number(3)}×${draw.number(3)}×${draw.number(2)}`,
  ])()

/** Numbers of the right form whose check digit is another. */
function wrongCheck(draw: Draw): string {
  const other = (digit: string): string => String((Number(digit) + 1 + draw.below(9)) % 10)
  const own = draw.of([
    () => {
      const card = withLuhn(`4${draw.text(digits, 14)}`)
      return card.slice(0, 15) + other(card[15])
    },
    () => {
      const iban = ibanOf('DE', draw.text(digits, 18))
      return `DE${other(iban[2])}${iban.slice(3)}`
    },
  ])()
  return own
}

const near = (draw: Draw): string =>
  draw.of([
    `192.168.${draw.below(256)}.${draw.below(256)}`,
    '127.0.0.1:8080',
    `10.${draw.below(256)}.0.${draw.below(256)}`,
    '0.0.0.0',
    `${draw.number(3)}.${draw.number(3)}.${draw.number(3)}.${draw.number(3)}.${draw.number(2)}`,
    `fe80::1`,
  ])

const prose = (draw: Draw): string =>
  draw.of([
    'In 2008 Wall Street fell',
    'the road to Main Street',
    'on Abbey Road in 1969',
    'Platz 3 im Wettbewerb',
    'Chapter 12 The Long Road Home',
    'call me on Monday at 5',
    'the password must be at least 8 characters long',
    'a token of my gratitude',
    `room ${draw.number(3)}, floor ${draw.number(1)}`,
    '@anna wrote to @bob at 10:30',
    'mail me @ home',
    `flight LH${draw.number(4)} at gate B${draw.number(2)}`,
  ])

const kinds: Readonly<Record<string, (draw: Draw) => string>> = {
  ...{ uuid, digest, book, date, version, constant, 'source code': sourceCode, number },
  ...{ 'wrong check digit': wrongCheck, 'machine at home': near, prose },
}

/** So many, in turn of every kind. */
export function lookAlikes(count: number, seed: number): PlacedItem[] {
  const draw = drawer(seed, 'look-alikes')
  const entries = Object.entries(kinds)
  return Array.from({ length: count }, (_, i) => {
    const [format, make] = entries[i % entries.length]
    return inSentence(draw, format, make(draw))
  })
}
