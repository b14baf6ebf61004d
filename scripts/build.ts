/** `npm run build`: compiles the packages, and makes the page that the server shows. */
import { compilePackages } from './pack-packages.ts'

compilePackages()
