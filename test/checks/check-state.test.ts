/** What a part is told of a state that is none of its own. */
import {
  checkOptions,
  checkState,
  checks,
  fields,
  OptionError,
  ParameterStore,
  StateError,
  TensorMirror,
} from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const messageOf = (type: new (message: string) => Error, body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    expect(error).toBeInstanceOf(type)
    return (error as Error).message
  }
  return 'nothing was thrown'
}

describe('where no field, option or member is asked for', () => {
  test('a state that is none is told to be an object, and no more', () => {
    expect(messageOf(StateError, () => checkState('part', 3, {}))).toBe(
      'part: got the state 3; expected an object.',
    )
    expect(
      messageOf(StateError, () => checkState('part', { inner: null }, { inner: fields('a map', {}) })),
    ).toBe(
      'part: the saved inner is null; expected a map (an object). The state is damaged, of another part, or of another version.',
    )
  })

  test('options that are none, and one that there is not', () => {
    expect(messageOf(OptionError, () => checkOptions<object>('f', null as never, {}))).toBe(
      'f: got options null; expected an object.',
    )
    expect(messageOf(OptionError, () => checkOptions<object>('f', { colour: 1 }, {}))).toBe(
      'f: got an option colour, which does not exist; it takes no options.',
    )
  })

  test('a mirror of tensors that is given no object', () => {
    const mirror = new TensorMirror('moments', 'value')
    expect(messageOf(StateError, () => mirror.restore(null, new ParameterStore()))).toBe(
      'moments: got the state null; expected an object.',
    )
  })
})

test('whatever names there are, all of them are named', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 5 }), (names) => {
      const asked = Object.fromEntries(names.map((name) => [name, checks.text]))
      const message = messageOf(StateError, () => checkState('part', 3, asked))
      const expected = names.length === 0 ? 'an object' : `an object with ${Object.keys(asked).join(', ')}`
      expect(message).toBe(`part: got the state 3; expected ${expected}.`)
    }),
  )
})
