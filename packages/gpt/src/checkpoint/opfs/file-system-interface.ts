/**
 * The part of the browser's file system and lock interfaces that the disk uses.
 *
 * It is declared here for the same reason as WebGPU's: TypeScript has it only in a library full of browser
 * globals.
 */

/** A file that is open for writing, in a worker; nobody else can open it meanwhile. */
interface SyncAccessHandle {
  getSize(): number
  /** Returns how many bytes were written. */
  write(bytes: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  flush(): void
  close(): void
}

/** A copy of a file that takes the file's place when it is closed. */
interface WritableFile {
  seek(position: number): Promise<void>
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
  abort(): Promise<void>
}

export interface FileHandle {
  readonly kind: 'file'
  getFile(): Promise<{ readonly size: number; arrayBuffer(): Promise<ArrayBuffer> }>
  /** In workers alone. */
  createSyncAccessHandle?(): Promise<SyncAccessHandle>
  /** In Safari from version 26 on. */
  createWritable?(options: { keepExistingData: boolean }): Promise<WritableFile>
  /** In no standard yet, but in Chromium, Firefox and Safari. Replaces a file of that name in one step. */
  move?(name: string): Promise<void>
}

export interface DirectoryHandle {
  readonly kind: 'directory'
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<DirectoryHandle>
  getFileHandle(name: string, options: { create: boolean }): Promise<FileHandle>
  removeEntry(name: string): Promise<void>
  entries(): AsyncIterable<readonly [name: string, handle: FileHandle | DirectoryHandle]>
}

/** `navigator.locks`: locks that the browser keeps among all pages and workers of an origin. */
export interface WebLocks {
  request(
    name: string,
    options: { mode: 'exclusive' | 'shared'; ifAvailable: boolean },
    hold: (lock: object | null) => Promise<void> | undefined,
  ): Promise<void>
}

/** `navigator`, as far as it is there. */
export interface BrowserNavigator {
  readonly storage?: { getDirectory?(): Promise<DirectoryHandle> }
  readonly locks?: WebLocks
}
