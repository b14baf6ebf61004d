/** Personal data of nobody in fifteen formats, made from their public definitions: words and digits drawn, checks computed. */
import { base62, type Draw, ibanOf, withLuhn } from './drawing.ts'
import { address, nationalId } from './people-and-places.ts'

const digits = '0123456789'
const lower = 'abcdefghijklmnopqrstuvwxyz'
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

/** Of numbers that nothing marks. */
export const calledPhone = (draw: Draw): string =>
  draw.of([
    () => `6${draw.text(digits, 2)} ${draw.text(digits, 3)} ${draw.text(digits, 3)}`,
    () => `9${draw.text(digits, 9)}`,
    () => `${draw.number(3)}-${draw.text(digits, 4)}`,
    () => draw.number(8),
  ])()

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
export function password(draw: Draw): readonly [before: string, secret: string, after: string] {
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

/** What makes an item, by format. */
export const formats: Readonly<Record<string, (draw: Draw) => string>> = {
  ...{ email, 'phone, international': internationalPhone, 'phone, national': nationalPhone, card, iban },
  ...{ 'key, by prefix': prefixedKey, 'key, random': randomToken, jwt, 'private key': privateKey },
  ...{ ip: internetAddress, mac: macAddress, 'national id': nationalId, address },
}
