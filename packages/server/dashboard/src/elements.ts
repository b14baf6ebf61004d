/** Makes elements. Text is always text: nothing that a model writes becomes a part of the page. */

/** The element of an id, which is one of a class. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`The page has no ${kind.name} ${id}.`)
}

/** Any element of an id. */
export const part = (id: string): HTMLElement => byId(id, HTMLElement)

/** An element with some children, and a class where one is named: `p.note`. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K | `${K}.${string}`,
  ...children: readonly (string | Node)[]
): HTMLElementTagNameMap[K] {
  const [tag, className = ''] = name.split('.')
  const made = document.createElement(tag as K)
  made.className = className
  made.append(...children)
  return made
}

/** A button; it rests while it acts, and what fails is said. */
export function button(text: string, act: () => Promise<void> | void): HTMLButtonElement {
  const made = element('button', text)
  made.type = 'button'
  made.addEventListener('click', () => void acting(made, act))
  return made
}

/** Does something that may fail, with its button at rest. */
export async function acting(own: HTMLButtonElement, act: () => Promise<void> | void): Promise<void> {
  // A button that is disabled loses the focus; this one only hears nothing.
  if (own.ariaDisabled === 'true') return
  own.ariaDisabled = 'true'
  try {
    await act()
  } catch (error) {
    say((error as Error).message)
  }
  own.ariaDisabled = null
}

/** A table with a head; numbers stand at the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
): HTMLTableElement {
  const titles = head.map((title) => {
    const cell = element('th', title)
    cell.scope = 'col'
    return cell
  })
  const body = rows.map((row) => element('tr', ...row.map((cell) => element('td', cell))))
  return element('table', element('thead', element('tr', ...titles)), element('tbody', ...body))
}

/** Says what came of something, in one place that is read aloud. */
export function say(text: string): void {
  part('said').textContent = text
}

/** Asks whether something is meant. Escape, and whatever is no yes, mean no. */
export function confirmed(title: string, text: string, yes: string): Promise<boolean> {
  const dialog = byId('confirm', HTMLDialogElement)
  part('confirm-title').textContent = title
  part('confirm-text').textContent = text
  part('confirm-yes').textContent = yes
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}

/** Whether that question is open. */
export const isAsking = (): boolean => byId('confirm', HTMLDialogElement).open

/** Has a form do this when it is sent, instead of leaving the page. */
export function onSubmit(id: string, act: () => void): void {
  byId(id, HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    act()
  })
}
