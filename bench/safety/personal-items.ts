/**
 * Personal data that belongs to nobody, in fourteen formats, each made from the public definition of its format and not
 * from what looks for it: check digits are computed, words and numbers drawn.
 */
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

/** A text, and where in it the item stands. */
export interface PlacedItem {
  readonly format: string
  readonly text: string
  readonly from: number
  readonly to: number
}

/** Draws, from a seed. */
export interface Draw {
  /** An integer from 0 to below. */
  below(n: number): number
  of<T>(list: readonly T[]): T
  /** So many characters of an alphabet. */
  text(alphabet: string, length: number): string
  /** So many digits; the first is not 0. */
  number(length: number): string
}

export function drawer(seed: number, name: string): Draw {
  const random = new RandomStream(keyFromSeed(seed)).named(name)
  const below = (n: number): number => Math.min(n - 1, Math.floor(random.uniform() * n))
  const of = <T>(list: readonly T[]): T => list[below(list.length)]
  const text = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[below(alphabet.length)]).join('')
  return { below, of, text, number: (length) => text('123456789', 1) + text('0123456789', length - 1) }
}

const digits = '0123456789'
const lower = 'abcdefghijklmnopqrstuvwxyz'
export const base62: string = digits + lower + lower.toUpperCase()
const base64url = `${base62}-_`

const given = [
  'anna',
  'lukas',
  'maria',
  'jean',
  'sofia',
  'omar',
  'wei',
  'priya',
  'john',
  'ines',
  'bjorn',
  'keiko',
]
const family = [
  'miller',
  'schmidt',
  'rossi',
  'dubois',
  'garcia',
  'tanaka',
  'novak',
  'larsen',
  'khan',
  'silva',
  'obrien',
]
const hosts = [
  'example',
  'mail',
  'web-works',
  'kontor',
  'univ-nord',
  'posteo',
  'acme',
  'north.data',
  'a1',
  'mx.school',
]
const endings = [
  'org',
  'com',
  'de',
  'fr',
  'co.uk',
  'io',
  'edu',
  'museum',
  'com.br',
  'xn--p1ai',
  'technology',
  'jp',
]

function email(draw: Draw): string {
  const [a, b] = [draw.of(given), draw.of(family)]
  const local = draw.of([
    `${a}.${b}`,
    `${a[0]}${b}`,
    `${b}_${draw.number(2)}`,
    `${a}+${draw.text(lower, 4)}`,
    `${a}-${b}.x`,
  ])
  return `${draw.of([local, local.toUpperCase()])}@${draw.of(hosts)}.${draw.of(endings)}`
}

/** Country codes with the lengths of national numbers (ITU-T E.164). */
const countries: readonly (readonly [code: string, length: number])[] = [
  ...([
    ['1', 10],
    ['44', 10],
    ['49', 10],
    ['49', 11],
    ['33', 9],
    ['34', 9],
    ['39', 10],
    ['41', 9],
    ['43', 10],
  ] as const),
  ...([
    ['48', 9],
    ['46', 9],
    ['47', 8],
    ['45', 8],
    ['358', 9],
    ['351', 9],
    ['353', 9],
    ['420', 9],
    ['7', 10],
  ] as const),
  ...([
    ['86', 11],
    ['81', 10],
    ['82', 10],
    ['91', 10],
    ['55', 11],
    ['52', 10],
    ['61', 9],
    ['27', 9],
    ['234', 10],
  ] as const),
]

function internationalPhone(draw: Draw): string {
  const [code, length] = draw.of(countries)
  const number = code === '1' ? `${2 + draw.below(8)}${draw.number(length - 1)}` : draw.number(length)
  if (draw.below(3) === 0) return `+${code}${number}`
  const sign = draw.of([' ', '-', '.'])
  const cut = 2 + draw.below(2)
  const groups = [number.slice(0, cut), number.slice(cut, cut + 3), number.slice(cut + 3)]
  if (draw.below(4) === 0) return `+${code} (0) ${groups.join(' ')}`
  return `${draw.of(['+', '+', '00'])}${code}${sign}${groups.join(sign)}`
}

/** As people write them at home; those that nothing marks stand behind a word that says what they are. */
function nationalPhone(draw: Draw): string {
  const area = `${2 + draw.below(8)}${draw.text('023456789', 1)}${draw.text(digits, 1)}`
  const office = `${2 + draw.below(8)}${draw.text('023456789', 1)}${draw.text(digits, 1)}`
  const line = draw.text(digits, 4)
  return draw.of([
    () => `(${area}) ${office}-${line}`,
    () => `${area}-${office}-${line}`,
    () => `${area}.${office}.${line}`,
    () => `1-${area}-${office}-${line}`,
    () => `0${draw.number(2)} ${draw.number(7)}`,
    () => `01${draw.of(['51', '60', '70', '71', '76'])}/${draw.number(7)}`,
    () => `020 ${draw.number(4)} ${draw.text(digits, 4)}`,
    () => `07${draw.text(digits, 3)} ${draw.text(digits, 6)}`,
    () => `0${1 + draw.below(7)} ${[0, 0, 0, 0].map(() => draw.text(digits, 2)).join(' ')}`,
    () => `090-${draw.number(4)}-${draw.text(digits, 4)}`,
    () => `04${draw.text(digits, 2)} ${draw.text(digits, 3)} ${draw.text(digits, 3)}`,
    () => `(11) 9${draw.text(digits, 4)}-${draw.text(digits, 4)}`,
    () => `13${draw.text(digits, 1)} ${draw.text(digits, 4)} ${draw.text(digits, 4)}`,
  ])()
}

const calledPhone = (draw: Draw): string =>
  draw.of([
    () => `6${draw.text(digits, 2)} ${draw.text(digits, 3)} ${draw.text(digits, 3)}`,
    () => `9${draw.text(digits, 9)}`,
    () => `${draw.number(3)}-${draw.text(digits, 4)}`,
    () => `${draw.number(8)}`,
  ])()

/** The digit that makes a number pass Luhn's check, put behind it. */
export function withLuhn(number: string): string {
  let sum = 0
  for (let i = number.length - 1, twice = true; i >= 0; i--, twice = !twice) {
    const value = Number(number[i]) * (twice ? 2 : 1)
    sum += value > 9 ? value - 9 : value
  }
  return `${number}${(10 - (sum % 10)) % 10}`
}

function card(draw: Draw): string {
  const [prefix, length] = draw.of([
    ...([
      ['4', 16],
      ['51', 16],
      ['55', 16],
      ['2221', 16],
      ['2720', 16],
      ['34', 15],
      ['37', 15],
    ] as const),
    ...([
      ['6011', 16],
      ['65', 16],
      ['36', 14],
      ['3528', 16],
      ['3589', 16],
      ['62', 16],
    ] as const),
  ])
  const number = withLuhn(prefix + draw.text(digits, length - prefix.length - 1))
  const sizes = length === 16 ? [4, 4, 4, 4] : length === 15 ? [4, 6, 5] : [4, 6, 4]
  const sign = draw.of(['', ' ', '-'])
  let at = 0
  return sizes.map((size) => number.slice(at, (at += size))).join(sign)
}

/** 98 less the remainder of the account behind which the country and 00 stand, letters as two digits. */
export function ibanOf(country: string, account: string): string {
  const number = [...`${account}${country}00`].map((one) => parseInt(one, 36)).join('')
  let rest = 0
  for (const one of number) rest = (rest * 10 + Number(one)) % 97
  return `${country}${String(98 - rest).padStart(2, '0')}${account}`
}

function iban(draw: Draw): string {
  const [country, letters, length] = draw.of([
    ...([
      ['DE', 0, 18],
      ['AT', 0, 16],
      ['CH', 0, 17],
      ['FR', 0, 23],
      ['ES', 0, 20],
      ['BE', 0, 12],
    ] as const),
    ...([
      ['GB', 4, 14],
      ['NL', 4, 10],
      ['IE', 4, 14],
      ['PL', 0, 24],
      ['SE', 0, 20],
      ['NO', 0, 11],
    ] as const),
  ])
  const whole = ibanOf(country, draw.text(lower.toUpperCase(), letters) + draw.text(digits, length))
  return draw.below(2) === 0 ? whole : (whole.match(/.{1,4}/g) ?? []).join(' ')
}

const prefixedKey = (draw: Draw): string =>
  draw.of([
    () => `AKIA${draw.text('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 15)}7`,
    () => `ghp_${draw.text(base62, 35)}4`,
    () => `github_pat_${draw.text(base62, 22)}_${draw.text(base62, 58)}1`,
    () => `xoxb-${draw.number(11)}-${draw.number(12)}-${draw.text(base62, 24)}`,
    () => `sk_live_${draw.text(base62, 23)}9`,
    () => `AIza${draw.text(base64url, 34)}8`,
    () => `glpat-${draw.text(base64url, 19)}2`,
    () => `npm_${draw.text(base62, 35)}3`,
    () => `hf_${draw.text(base62, 33)}5`,
    () => `SG.${draw.text(base64url, 22)}.${draw.text(base64url, 42)}6`,
  ])()

const randomToken = (draw: Draw): string =>
  draw.text(draw.of([base62, base62, base64url]), 28 + draw.below(36))

const base64UrlOf = (text: string): string => Buffer.from(text).toString('base64url')

function jwt(draw: Draw): string {
  const header = base64UrlOf(JSON.stringify({ alg: draw.of(['HS256', 'RS256', 'ES256']), typ: 'JWT' }))
  const payload = base64UrlOf(
    JSON.stringify({ sub: draw.number(10), name: draw.of(given), iat: Number(draw.number(9)) }),
  )
  return `${header}.${payload}.${draw.text(base64url, 43)}`
}

function privateKey(draw: Draw): string {
  const kind = draw.of(['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY', 'OPENSSH PRIVATE KEY'])
  const lines = Array.from({ length: 3 + draw.below(12) }, () => draw.text(`${base62}+/`, 64))
  return [`-----BEGIN ${kind}-----`, ...lines, `${draw.text(base62, 30)}==`, `-----END ${kind}-----`].join(
    '\n',
  )
}

/** Name and value, of which the value is the secret. */
function password(draw: Draw): readonly [before: string, secret: string, after: string] {
  const secret = draw.of([
    () => `${draw.of(given)}${draw.number(3)}`,
    () => `${draw.text(base62, 7)}${draw.below(10)}!`,
    () => `${draw.of(family)}#${draw.text(digits, 4)}`,
    () => draw.text(`${base62}!#%*+-_`, 11) + draw.below(10),
  ])()
  const name = draw.of(['password', 'DB_PASSWORD', 'passwd', 'api_key', 'client_secret', 'user.password'])
  return draw.of<readonly [string, string, string]>([
    [`${name}=`, secret, ''],
    [`${name} = "`, secret, '"'],
    [`"${name}": "`, secret, '"'],
    [`${name}: `, secret, ''],
    ['my password is ', secret, ''],
    [`postgres://${draw.of(given)}:`, secret.replace(/[#%/]/g, 'x'), '@db.internal/app'],
  ])
}

function internetAddress(draw: Draw): string {
  if (draw.below(2) === 0) {
    // Blocks that are given to users of the internet.
    const first = draw.of([
      '5',
      '8',
      '24',
      '46',
      '62',
      '77',
      '81',
      '93',
      '109',
      '145',
      '178',
      '188',
      '203',
      '212',
      '217',
    ])
    return `${first}.${draw.below(256)}.${draw.below(256)}.${1 + draw.below(254)}`
  }
  const group = (): string => draw.text('0123456789abcdef', 4).replace(/^0{1,3}/, '')
  const head = `2${draw.of(['001', '003', '600', 'a02', '804'])}:${group()}:${group()}`
  return draw.below(2) === 0
    ? `${head}:${group()}:${group()}:${group()}:${group()}:${group()}`
    : `${head}::${group()}`
}

const macAddress = (draw: Draw): string =>
  Array.from({ length: 6 }, () => draw.text(draw.of(['0123456789abcdef', '0123456789ABCDEF']), 2)).join(
    draw.of([':', ':', '-']),
  )

const twoDigits = (n: number): string => String(n).padStart(2, '0')

function nationalId(draw: Draw): string {
  const [year, month, day] = [draw.below(100), 1 + draw.below(12), 1 + draw.below(28)].map(twoDigits)
  const weighted = (number: string, weights: readonly number[]): number =>
    weights.reduce((sum, weight, i) => sum + weight * Number(number[i]), 0)
  return draw.of([
    () =>
      `${twoDigits(1 + draw.below(8))}${1 + draw.below(9)}-${twoDigits(1 + draw.below(99))}-${draw.number(4)}`,
    () => {
      let cpf = draw.number(9)
      for (const length of [9, 10]) {
        const rest =
          weighted(
            cpf,
            Array.from({ length }, (_, i) => length + 1 - i),
          ) % 11
        cpf += rest < 2 ? '0' : String(11 - rest)
      }
      return `${cpf.slice(0, 3)}.${cpf.slice(3, 6)}.${cpf.slice(6, 9)}-${cpf.slice(9)}`
    },
    () => {
      const number = draw.text(digits, 8)
      return `${number}${'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23]}`
    },
    () => {
      const number = `${year}${month}${day}${draw.text(digits, 3)}`
      return withLuhn(number).replace(/(?=.{4}$)/, '-')
    },
    () => {
      const number = `${1 + draw.below(2)}${year}${month}${twoDigits(1 + draw.below(95))}${draw.number(3)}${draw.number(3)}`
      return `${number}${twoDigits(97 - (Number(number) % 97))}`
    },
    () => {
      const number = `${draw.number(6)}19${year}${month}${day}${draw.text(digits, 3)}`
      return (
        number + '10X98765432'[weighted(number, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11]
      )
    },
    () => {
      const number = `${year}${month}${day}${draw.text(digits, 3)}`
      return `${year}.${month}.${day}-${number.slice(6)}.${twoDigits(97 - (Number(number) % 97))}`
    },
    () =>
      `${draw.of(['AB', 'CE', 'JG', 'PW', 'SR'])} ${[0, 0, 0].map(() => draw.text(digits, 2)).join(' ')} ${draw.text('ABCD', 1)}`,
  ])()
}

const names = [
  'Elm',
  'Maple',
  'Washington',
  'Park',
  'High',
  'Station',
  'Church',
  'Mill',
  'Queens',
  'Harbour',
  'Cedar',
]
const towns = ['Springfield', 'Boston', 'Leeds', 'Portland', 'Bristol', 'Madison', 'Aurora', 'Salem', 'Dover']

function address(draw: Draw): string {
  const house = String(1 + draw.below(320))
  return draw.of([
    () =>
      `${house} ${draw.of(names)} ${draw.of(['Street', 'St', 'Avenue', 'Road', 'Lane', 'Drive', 'Blvd.', 'Court'])}`,
    () =>
      `${house} ${draw.of(names)} ${draw.of(['Street', 'Ave', 'Road'])}, ${draw.of(towns)}, ${draw.of(['IL', 'MA', 'CA', 'TX'])} ${draw.number(5)}`,
    () =>
      `${house} ${draw.of(names)} ${draw.of(['Road', 'Close', 'Gardens'])}, ${draw.of(towns)} ${draw.of(['SW', 'LS', 'M'])}${1 + draw.below(9)} ${1 + draw.below(9)}AB`,
    () =>
      `${draw.of(['Haupt', 'Linden', 'Garten', 'Schiller'])}${draw.of(['straße', 'str.', 'weg', 'allee', 'platz'])} ${house}${draw.of(['', '', 'a'])}, ${draw.number(5)} ${draw.of(['Berlin', 'Köln', 'Wien', 'Ulm'])}`,
    () =>
      `${house} ${draw.of(['rue', 'avenue', 'boulevard'])} ${draw.of(['de la Paix', 'Victor Hugo', 'du Moulin', 'des Lilas'])}, ${draw.number(5)} ${draw.of(['Paris', 'Lyon', 'Nantes'])}`,
    () =>
      `Calle ${draw.of(['Mayor', 'de Alcalá', 'del Sol'])} ${house}, ${draw.number(5)} ${draw.of(['Madrid', 'Sevilla'])}`,
    () =>
      `${draw.of(['Keizers', 'Prinsen', 'Heren'])}gracht ${house}, ${draw.number(4)} ${draw.text('ABCDEFG', 2)} Amsterdam`,
    () => `P.O. Box ${draw.number(4)}`,
  ])()
}

/** Sentences around an item that say nothing of what it is. */
const around: readonly (readonly [before: string, after: string])[] = [
  ['It was ', ' as far as I remember.'],
  ['Please take ', ', not the other one'],
  ['', ''],
  ['He wrote (', ') on the back.'],
  ['old,', ',new'],
  ['17,', ',3'],
  ['{"value":"', '","rank":2}'],
  ['The first one: ', '; the second one is missing.'],
  ['<td>', '</td>'],
  ['2026-03-04 10:11:12 INFO got ', ' from the form'],
  ['Ich habe ', ' notiert.'],
]
const called: typeof around = [
  ['Tel: ', ''],
  ['phone ', ', evenings'],
  ['Call me at ', ' please.'],
  ['Mobile: ', '; work later'],
  ['Telefon: ', ''],
]

const formats: Readonly<Record<string, (draw: Draw) => string>> = {
  ...{ email, 'phone, international': internationalPhone, 'phone, national': nationalPhone, card, iban },
  ...{ 'key, by prefix': prefixedKey, 'key, random': randomToken, jwt, 'private key': privateKey },
  ...{ ip: internetAddress, mac: macAddress, 'national id': nationalId, address },
}

const placed = (format: string, before: string, item: string, after: string): PlacedItem => ({
  ...{ format, text: before + item + after, from: before.length, to: before.length + item.length },
})

/** So many items, in turn of every format. */
export function personalItems(count: number, seed: number): PlacedItem[] {
  const draw = drawer(seed, 'personal items')
  const entries = Object.entries(formats)
  return Array.from({ length: count }, (_, i) => {
    const at = i % (entries.length + 2)
    if (at === entries.length) {
      const [before, secret, after] = password(draw)
      return placed('password', before, secret, after)
    }
    if (at > entries.length) {
      const [before, after] = draw.of(called)
      return placed('phone, behind its name', before, calledPhone(draw), after)
    }
    const [format, make] = entries[at]
    const [before, after] = draw.of(around)
    return placed(format, before, make(draw), after)
  })
}

/** Puts something into a sentence that says nothing of what it is. */
export function inSentence(draw: Draw, format: string, item: string): PlacedItem {
  const [before, after] = draw.of(around)
  return placed(format, before, item, after)
}
