/** The state of an optimizer with the paces of copies beside it, where there are any. */
import type { ParameterStore } from '@burgeon/tensor'
import type { GradientTransform } from '../transforms/gradient-transform.ts'
import type { CopyPaces, CopyPacesState } from './copy-paces.ts'

type StateMethods = Pick<GradientTransform, 'toState' | 'restore' | 'checkState'>

/** Such a state. Where all copies have the pace of all others, it is that of the optimizer alone. */
interface PacedState {
  readonly optimizer: unknown
  readonly copies: CopyPacesState
}

/** Whether a state has paces beside it; one of an earlier version has not. */
const isPaced = (state: unknown): state is PacedState =>
  typeof state === 'object' && state !== null && Object.keys(state).toSorted().join() === 'copies,optimizer'

/** The same methods, which keep and restore the paces too. */
export function withPaces(paces: CopyPaces, inner: StateMethods): Required<StateMethods> {
  const partsOf = (state: unknown): PacedState => (isPaced(state) ? state : { optimizer: state, copies: {} })
  const checkState = (state: unknown, parameters: ParameterStore): void => {
    const { optimizer, copies } = partsOf(state)
    inner.checkState?.(optimizer, parameters)
    paces.checkState(copies, parameters)
  }
  return {
    async toState() {
      const copies = paces.toState()
      const optimizer = await inner.toState()
      return Object.keys(copies).length === 0 ? optimizer : ({ optimizer, copies } satisfies PacedState)
    },
    checkState,
    restore(state, parameters) {
      checkState(state, parameters)
      const { optimizer, copies } = partsOf(state)
      inner.restore(optimizer, parameters)
      paces.restore(copies, parameters)
    },
  }
}
