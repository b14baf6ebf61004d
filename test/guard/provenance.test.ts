/** Trust by where a text comes from. */
import { provenance, type ProvenanceOptions } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const asked = (options: ProvenanceOptions, source: string) =>
  provenance(options).admit({ text: 'a', source, domain: 'b' }, { step: 0, at: 0 })

test('a known source has the trust of its name, or of the longest beginning that fits', () => {
  const options = { sources: { mail: 0.5, 'nats://*': 0.7, 'nats://home/*': 1 }, unknown: 0.1 }
  const trusts = ['mail', 'mail2', 'nats://else/a', 'nats://home/a', 'nats:', ''].map(
    (source) => asked(options, source).trust,
  )
  expect(trusts).toEqual([0.5, 0.1, 0.7, 1, 0.1, 0.1])
})

test('an unknown source is trusted a fifth, or kept apart, or refused', () => {
  expect(asked({}, 'x')).toEqual({ verdict: 'learn', trust: 0.2 })
  expect(asked({ unknown: 'quarantine' }, 'x')).toEqual({
    verdict: 'quarantine',
    reasons: ['unknown source'],
  })
  expect(asked({ unknown: 'refuse' }, 'x').verdict).toBe('refuse')
})

test('what the model wrote itself is not judged here, unless its source is named', () => {
  expect(asked({ unknown: 'refuse' }, 'self')).toEqual({ verdict: 'learn', trust: 1 })
  expect(asked({ sources: { self: 0.3 } }, 'self').trust).toBe(0.3)
})

test('a trust outside 0 to 1 is refused', () => {
  expect(() => provenance({ sources: { mail: 2 } })).toThrow(OptionError)
  expect(() => provenance({ unknown: -1 })).toThrow(OptionError)
  expect(() => provenance({ unknown: 'learn' as never })).toThrow(OptionError)
})
