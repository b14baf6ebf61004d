/** The few things a checkpoint asks of storage: one folder of named files. Node, the browser and tests implement it. */

export interface Disk {
  /** For messages: where the folder is. */
  readonly place: string
  /** Whole content. Rejects if there is no such file. */
  read(name: string): Promise<Uint8Array>
  /** Creates or replaces a file; resolves when its content would survive a power cut. */
  write(name: string, bytes: Uint8Array): Promise<void>
  /** Replaces `to` by `from` in one indivisible step. */
  rename(from: string, to: string): Promise<void>
  remove(name: string): Promise<void>
  /** Names of all files, in no particular order; none if the folder does not exist yet. */
  list(): Promise<readonly string[]>
  /** Resolves when creations, renames and removals would survive a power cut. */
  sync(): Promise<void>
}
