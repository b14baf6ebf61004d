/** `@burgeon/gpt/browser`: what needs a browser. */
export { opfsDisk } from './checkpoint/opfs/opfs-disk.ts'
