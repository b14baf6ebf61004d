/** Some of the files of a folder as a folder of their own: those whose names begin alike. */
import type { Disk } from '@burgeon/gpt'

/**
 * The files of a disk whose names begin with `name` and a dot. Nobody else may write files of that name, so its
 * locks lock nothing.
 */
export function partOfDisk(disk: Disk, name: string): Disk {
  const start = `${name}.`
  return {
    place: `${disk.place} (${name})`,
    read: (file) => disk.read(start + file),
    write: (file, bytes) => disk.write(start + file, bytes),
    create: (file, bytes) => disk.create(start + file, bytes),
    append: (file, bytes, options) => disk.append(start + file, bytes, options),
    rename: (from, to) => disk.rename(start + from, start + to),
    remove: (file) => disk.remove(start + file),
    list: async () =>
      (await disk.list()).flatMap((file) => (file.startsWith(start) ? [file.slice(start.length)] : [])),
    sync: () => disk.sync(),
    lock: () =>
      Promise.resolve({
        token: 'part',
        isHeld: () => Promise.resolve(true),
        release: () => Promise.resolve(),
      }),
  }
}
