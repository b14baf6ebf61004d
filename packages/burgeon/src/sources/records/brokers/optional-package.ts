/** Packages that are installed by those who need them. */
import { UnsupportedError } from '@burgeon/tensor'

/** A package that is looked for when it is needed. */
export interface OptionalPackage {
  readonly name: string
  /** The version that was tried. */
  readonly version: string
}

/**
 * Loads a package.
 *
 * @param what Who needs it, for the message.
 * @throws UnsupportedError where it is not installed.
 */
export async function optionalPackage<T>({ name, version }: OptionalPackage, what: string): Promise<T> {
  try {
    // The name is no literal, so that no bundler looks for it.
    return (await import(/* @vite-ignore */ name)) as T
  } catch (cause) {
    throw new UnsupportedError(
      `learn: ${what} needs the package ${name}, which cannot be loaded. Install it: npm i ${name}@${version}`,
      { cause },
    )
  }
}
