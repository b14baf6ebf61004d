/**
 * The few things a checkpoint, or a journal, asks of storage: one folder of named files. Node, the browser
 * and tests implement it.
 */
import { BurgeonError } from '@burgeon/tensor'

/** Somebody else is writing checkpoints into this folder. */
export class LockedError extends BurgeonError {
  override readonly name = 'LockedError'
}

/** How bytes are put behind others. */
export interface AppendOptions {
  /**
   * Whether nobody but the owner may read a file that is made, where there are other users. False unless
   * given.
   */
  readonly isPrivate?: boolean
}

/** One folder of named files. */
export interface Disk {
  /** For messages: where the folder is. */
  readonly place: string
  /** Whole content. Rejects if there is no such file. */
  read(name: string): Promise<Uint8Array>
  /** Creates or replaces a file; resolves when its content would survive a power cut. */
  write(name: string, bytes: Uint8Array): Promise<void>
  /** Like `write`, but rejects if there is a file of that name, which stays as it is. */
  create(name: string, bytes: Uint8Array): Promise<void>
  /**
   * Puts bytes behind the last of a file, which is made if it is not there; resolves when they would survive
   * a power cut (the name of a new file is durable only after `sync`). If it rejects, none, some or all of
   * them may be there. Calls for one file do not overlap.
   */
  append(name: string, bytes: Uint8Array, options?: AppendOptions): Promise<void>
  /** Replaces `to` by `from` in one indivisible step. */
  rename(from: string, to: string): Promise<void>
  remove(name: string): Promise<void>
  /** Names of all files, in no particular order; none if the folder does not exist yet. */
  list(): Promise<readonly string[]>
  /** Resolves when creations, renames and removals would survive a power cut. */
  sync(): Promise<void>
  /**
   * Keeps everyone else from writing a checkpoint into this folder: other processes, and other disks of this
   * one. Several saves on one disk take turns. A browser has `navigator.locks` for this.
   *
   * @param purpose `save`: for the time of one save; waits for other saves. `session`: for as long as a
   *   process means to go on saving; the disk may be locked for saves meanwhile.
   * @throws LockedError if somebody else holds the folder for a session.
   */
  lock(purpose: LockPurpose): Promise<DiskLock>
}

/** How long a lock is meant to be held: for one save, or for many. */
export type LockPurpose = 'save' | 'session'

/** A lock that is held. */
export interface DiskLock {
  /** Lower-case letters, digits and hyphens, different for every lock there ever was. */
  readonly token: string
  /** False once another has taken the lock for one that was left behind. */
  isHeld(): Promise<boolean>
  /** To do so twice is to do so once. Never rejects: what is left behind is noticed by the next one. */
  release(): Promise<void>
}
