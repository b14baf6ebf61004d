/** Numbers that states give to people, with their check digits, and postal addresses. */
import { type Draw, withLuhn } from './drawing.ts'

const digits = '0123456789'
const twoDigits = (n: number): string => String(n).padStart(2, '0')

/** Numbers that states give to people, in eight forms. */
export function nationalId(draw: Draw): string {
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

/** Where people live, in the forms of some languages. */
export function address(draw: Draw): string {
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
